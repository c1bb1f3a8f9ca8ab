#include "sae/prefix_parts.h"

#include <algorithm>

#include "kernels/cpu/encode_relu.h"

namespace saev {

void PrefixParts::split(const ActiveLists& lists, int64_t block, const std::vector<int64_t>& prefixes) {
  const BlockLists& entries = lists.blocks[static_cast<size_t>(block)];
  const int64_t rows = lists.block_rows(block);
  parts_.resize(prefixes.size());
  // At most two partial segments for each prefix; their addresses must not move.
  copies_.resize(2 * prefixes.size());
  size_t used = 0;
  int64_t begin = 0;
  for (size_t p = 0; p < prefixes.size(); ++p) {
    const bool last = p + 1 == prefixes.size();
    parts_[p].clear();
    for (int64_t s = begin / lists.segment; s < lists.n_segments; ++s) {
      const int64_t first = s * lists.segment, next = first + lists.segment;
      if (!last && first >= prefixes[p]) break;
      const int32_t* ptr = lists.ptr(block, s);
      if (ptr[rows] == ptr[0]) continue;
      if (begin <= first && (last || next <= prefixes[p])) {
        parts_[p].push_back({s, ptr, entries.index(), entries.value()});
        continue;
      }
      const int64_t low = begin - first, high = last ? lists.segment : prefixes[p] - first;
      Copy& copy = copies_[used++];
      copy.ptr.assign(1, 0);
      copy.index.clear();
      copy.value.clear();
      for (int64_t r = 0; r < rows; ++r) {
        const auto* a = std::lower_bound(entries.index() + ptr[r], entries.index() + ptr[r + 1], low);
        const auto* b = std::lower_bound(a, entries.index() + ptr[r + 1], high);
        copy.index.insert(copy.index.end(), a, b);
        copy.value.insert(copy.value.end(), entries.value() + (a - entries.index()),
                          entries.value() + (b - entries.index()));
        copy.ptr.push_back(static_cast<int32_t>(copy.index.size()));
      }
      copy.index.resize(copy.index.size() + kListSlack);
      copy.value.resize(copy.value.size() + kListSlack);
      parts_[p].push_back({s, copy.ptr.data(), copy.index.data(), copy.value.data()});
    }
    begin = prefixes[p];
  }
}

}  // namespace saev
