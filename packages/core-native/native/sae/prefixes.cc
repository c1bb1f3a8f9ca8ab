#include "sae/prefixes.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/mix64.h"

namespace saev {
namespace {

double weight(int64_t length, PrefixForm form) {
  const auto l = static_cast<double>(length);
  if (form == PrefixForm::kPublished) return std::sqrt(l) - std::sqrt(l - 1);
  return length < 2 ? 0 : 1 / std::sqrt(l - 1) - 1 / std::sqrt(l);
}

}  // namespace

std::vector<int64_t> draw_prefixes(int64_t d_sae, int64_t n, PrefixForm form, uint64_t seed, int64_t step) {
  // Efraimidis and Spirakis 2006: the n largest of log(u) / weight are a weighted draw without replacement.
  std::vector<std::pair<double, int64_t>> keys;
  uint64_t state = mix64(mix64(seed + 0x9e3779b97f4a7c15ULL) + static_cast<uint64_t>(step));
  for (int64_t l = 1; n > 1 && l < d_sae; ++l) {
    state += 0x9e3779b97f4a7c15ULL;
    const double u = (static_cast<double>(mix64(state) >> 11) + 0.5) * 0x1p-53;
    const double w = weight(l, form);
    // A length of weight 0 is drawn only when all others are.
    keys.emplace_back(w > 0 ? std::log(u) / w : -std::numeric_limits<double>::infinity(), l);
  }
  const auto wanted = std::min(static_cast<size_t>(std::max<int64_t>(0, n - 1)), keys.size());
  std::nth_element(keys.begin(), keys.begin() + static_cast<int64_t>(wanted), keys.end(), std::greater<>());
  std::vector<int64_t> out;
  for (size_t i = 0; i < wanted; ++i) out.push_back(keys[i].second);
  std::sort(out.begin(), out.end());
  out.push_back(d_sae);
  return out;
}

void check_prefixes(const std::vector<int64_t>& prefixes, int64_t d_sae) {
  int64_t before = 0;
  for (const int64_t p : prefixes) {
    if (p <= before) {
      throw Error(Code::kInvalidArgument, "prefixes: expected lengths that ascend from at least 1, found " +
                                              std::to_string(p) + " after " + std::to_string(before));
    }
    before = p;
  }
  if (before != d_sae) {
    throw Error(Code::kInvalidArgument, "prefixes: the last one must be all " + std::to_string(d_sae) +
                                            " latents, found " + std::to_string(before));
  }
}

}  // namespace saev
