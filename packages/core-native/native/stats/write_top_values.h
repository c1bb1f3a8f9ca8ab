#pragma once
// The patch values of the top images: sparse in memory, dense where a reader wants them so.

#include <span>
#include <string>

#include "core/job.h"
#include "stats/top_k.h"

namespace saev {

/// Writes [top_k, patches] of one latent into `out`, zeros included.
void fill_patch_values(const TopKAccumulator& statistics, int64_t latent, std::span<float> out);

/// `top_values.pt`: float32 [d_sae, top_k, patches] of patch values, or for kCls [d_sae, top_k] of scores.
/// Written latent by latent, so that it may be larger than memory. Throws kIo, with the size, when the disk
/// has no room for it.
void write_top_values(const TopKAccumulator& statistics, const std::string& path, const Job& job);

}  // namespace saev
