#include "stats/write_top_values.h"

#include <algorithm>
#include <vector>

#include "io/torch_stream.h"

namespace saev {

void fill_patch_values(const TopKAccumulator& statistics, int64_t latent, std::span<float> out) {
  const auto patches = static_cast<size_t>(statistics.options().patches);
  std::fill(out.begin(), out.end(), 0.0F);
  size_t row = 0;
  for (const TopImage& top : statistics.top(latent)) {
    if (statistics.options().sort_by == SortBy::kCls) {
      out[row] = static_cast<float>(top.score);
    } else {
      for (int32_t i = 0; i < top.n_active; ++i) {
        out[row * patches + static_cast<size_t>(top.active[i].patch)] = top.active[i].value;
      }
    }
    ++row;
  }
}

void write_top_values(const TopKAccumulator& statistics, const std::string& path, const Job& job) {
  const int64_t d_sae = statistics.options().d_sae, k = statistics.top_k(),
                patches = statistics.options().patches;
  const bool cls = statistics.options().sort_by == SortBy::kCls;
  TorchTensorStream out(path, TorchTensorStream::Type::kFloat32,
                        cls ? std::vector<int64_t>{d_sae, k} : std::vector<int64_t>{d_sae, k, patches});
  std::vector<float> row(static_cast<size_t>(k * patches));
  for (int64_t latent = 0; latent < d_sae; ++latent) {
    job.check_abort();
    fill_patch_values(statistics, latent, row);
    out.write(std::span<const float>(row));
    if (latent % 256 == 0) job.report({static_cast<double>(latent), static_cast<double>(d_sae), {}});
  }
  out.commit();
}

}  // namespace saev
