#include "io/begin_batch.h"

#include <algorithm>

#include "core/error.h"

namespace saev {

int64_t begin_batch(Batch& batch, const BatchSource& source, int64_t position, int64_t max_rows,
                    const Job& job) {
  if (max_rows <= 0) throw Error(Code::kInvalidArgument, "maxRows: at least 1 row a batch is needed");
  job.check_abort();
  const int64_t length = source.length(), n = std::min(max_rows, length - position);
  batch.reserve(std::min(max_rows, length), source.dim());
  if (n <= 0) return 0;
  for (auto* column : {&batch.index, &batch.image_i, &batch.patch_i}) column->resize(static_cast<size_t>(n));
  return n;
}

}  // namespace saev
