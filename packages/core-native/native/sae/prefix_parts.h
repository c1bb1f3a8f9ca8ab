#pragma once
// One row block's lists cut at the Matryoshka prefixes: for each prefix the entries that the one before it
// lacks. A segment that lies between two prefixes is used as it is; one with a prefix in it is copied.

#include <vector>

#include "sae/active_lists.h"

namespace saev {

class PrefixParts {
 public:
  struct Part {
    int64_t segment;
    const int32_t* ptr;  ///< [rows + 1] bounds in index and value
    const uint16_t* index;
    const float* value;
  };

  /// `prefixes` ascend. What `of` returns holds until `lists` changes or the next call.
  void split(const ActiveLists& lists, int64_t block, const std::vector<int64_t>& prefixes);
  const std::vector<Part>& of(int64_t prefix) const { return parts_[static_cast<size_t>(prefix)]; }

 private:
  struct Copy {
    std::vector<int32_t> ptr;
    std::vector<uint16_t> index;
    std::vector<float> value;
  };
  std::vector<std::vector<Part>> parts_;
  std::vector<Copy> copies_;
};

}  // namespace saev
