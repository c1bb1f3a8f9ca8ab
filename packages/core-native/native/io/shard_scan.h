#pragma once
// Reads shard files from end to end and says what is in them: for `verify`, and for checksums of files that
// were made otherwise than by recording. Files are read, not mapped: one that shrinks meanwhile is a finding.

#include <cstdint>
#include <string>
#include <vector>

#include "core/job.h"
#include "io/stored_dtype.h"

namespace saev {

struct ShardToScan {
  std::string path;
  int64_t images = 0;  ///< images in it; what follows them should be zeros
  bool hash = true;    ///< whether its digest is wanted
};

inline constexpr size_t kMostZeroImages = size_t{1} << 20;

struct ShardScan {
  std::string error;       ///< why it could not be read to its end; the rest is then what was seen before
  int64_t bytes = 0;       ///< bytes read
  std::string sha256;      ///< hex; empty when not wanted or not read to its end
  int64_t non_finite = 0;  ///< NaN and infinite values among the images
  int64_t first_non_finite = -1;     ///< the image within the file that has the first of them
  std::vector<int64_t> zero_images;  ///< images within the file all of whose values are 0; the first 2^20
  int64_t padding_non_zero = 0;      ///< values after the images that are not 0
};

/// Scans files side by side on `threads` threads, in pieces of 1 MiB a thread. `report` gets bytes done of
/// all.
std::vector<ShardScan> scan_shards(const std::vector<ShardToScan>& files, int64_t bytes_per_img,
                                   StoredDtype dtype, int threads, const Job& job);

}  // namespace saev
