// The instructions of a pickle, one by one: those of protocols 0 to 5 that torch.save writes.

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "io/pickle.h"

namespace saev {

using Kind = PickleNode::Kind;

template <typename T>
T PickleReader::number() {
  T value;
  std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
  return value;
}

void PickleReader::step(uint8_t op) {
  switch (op) {
    case 0x80:  // PROTO
      if (const auto version = number<uint8_t>(); version > 5)
        fail("its protocol is " + std::to_string(version));
      return;
    case 0x95:  // FRAME
      number<uint64_t>();
      return;
    case '.':  // STOP
      done_ = true;
      return;
    case '(':
      // Marks are as cheap as a byte of the file: nothing to limit.
      marks_.push_back(stack_.size());
      return;
    case '0':  // POP
      if (!marks_.empty() && stack_.size() == marks_.back()) {
        marks_.pop_back();
      } else {
        pop();
      }
      return;
    case '1':  // POP_MARK
      pop_to_mark();
      return;
    case '2':  // DUP
      return push(top());
    case 'N':
      return push(make(Kind::kNone));
    case 0x88:
    case 0x89: {
      NodePtr node = make(Kind::kBool);
      node->integer = op == 0x88;
      return push(node);
    }
    case 'I':
    case 'L':
      return push(decimal_integer(line()));
    case 'J':
      return push(make_int(number<int32_t>()));
    case 'K':
      return push(make_int(number<uint8_t>()));
    case 'M':
      return push(make_int(number<uint16_t>()));
    case 0x8a:
      return push(long_integer(number<uint8_t>()));
    case 0x8b:
      return push(long_integer(number<uint32_t>()));
    case 'F':
      line();
      return push(make(Kind::kFloat));
    case 'G': {
      NodePtr node = make(Kind::kFloat);
      const uint64_t bits = __builtin_bswap64(number<uint64_t>());
      std::memcpy(&node->real, &bits, sizeof bits);
      return push(node);
    }
    case 'S': {
      std::string text = line();
      if (text.size() < 2) fail("a string has no quotes");
      return push(make_text(Kind::kString, text.substr(1, text.size() - 2)));
    }
    case 'V':
      return push(make_text(Kind::kString, line()));
    case 'U':
    case 0x8c:
      return push(make_text(Kind::kString, bytes_text(number<uint8_t>())));
    case 'T':
    case 'X':
      return push(make_text(Kind::kString, bytes_text(number<uint32_t>())));
    case 0x8d:
      return push(make_text(Kind::kString, bytes_text(number<uint64_t>())));
    case 'C':
      return push(make_text(Kind::kBytes, bytes_text(number<uint8_t>())));
    case 'B':
      return push(make_text(Kind::kBytes, bytes_text(number<uint32_t>())));
    case 0x8e:
    case 0x96:
      return push(make_text(Kind::kBytes, bytes_text(number<uint64_t>())));
    case ']':
      return push(make(Kind::kList));
    case ')':
      return push(make(Kind::kTuple));
    case '}':
      return push(make(Kind::kDict));
    case 0x8f:
      return push(make_text(Kind::kOpaque, "set"));
    case 0x90:  // ADDITEMS
      pop_to_mark();
      if (!top()->is(Kind::kOpaque)) fail("it adds to what is no set");
      return;
    case 'a': {
      NodePtr item = pop();
      if (!top()->is(Kind::kList)) fail("it appends to what is no list");
      top()->items.push_back(item);
      return;
    }
    case 'e': {
      const auto items = pop_to_mark();
      if (!top()->is(Kind::kList)) fail("it appends to what is no list");
      top()->items.insert(top()->items.end(), items.begin(), items.end());
      return;
    }
    case 'l':
    case 't': {
      auto items = pop_to_mark();
      NodePtr node = make(op == 'l' ? Kind::kList : Kind::kTuple);
      node->items = std::move(items);
      return push(node);
    }
    case 0x85:
    case 0x86:
    case 0x87: {
      std::vector<NodePtr> items(op - 0x84u);
      for (size_t i = items.size(); i-- > 0;) items[i] = pop();
      NodePtr node = make(Kind::kTuple);
      node->items = std::move(items);
      return push(node);
    }
    case 'd': {
      const auto items = pop_to_mark();
      NodePtr node = make(Kind::kDict);
      set_items(node, items);
      return push(node);
    }
    case 's': {
      NodePtr value = pop(), key = pop();
      return set_items(top(), {key, value});
    }
    case 'u': {
      const auto items = pop_to_mark();
      return set_items(top(), items);
    }
    case 'c': {
      const std::string module = line();
      return push(global(module, line()));
    }
    case 0x93: {
      NodePtr name = pop(), module = pop();
      if (!name->is(Kind::kString) || !module->is(Kind::kString))
        fail("it names a class by what is no string");
      return push(global(module->text, name->text));
    }
    case 'R':
    case 0x81: {  // REDUCE, NEWOBJ
      NodePtr arguments = pop(), function = pop();
      return push(call(function, arguments));
    }
    case 'b': {
      NodePtr state = pop();
      return build(top(), state);
    }
    case 'Q':
      return push(storage(pop()));
    case 'g': {
      NodePtr slot = decimal_integer(line());
      return push(recall(static_cast<uint64_t>(slot->integer)));
    }
    case 'h':
      return push(recall(number<uint8_t>()));
    case 'j':
      return push(recall(number<uint32_t>()));
    case 'p':
      return memoize(static_cast<uint64_t>(decimal_integer(line())->integer));
    case 'q':
      return memoize(number<uint8_t>());
    case 'r':
      return memoize(number<uint32_t>());
    case 0x94:
      return memoize(memo_.size());
    default:
      fail("an instruction that torch.save does not write");
  }
}

}  // namespace saev
