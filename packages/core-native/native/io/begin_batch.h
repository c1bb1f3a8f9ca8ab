#pragma once
// How every source begins a batch.

#include <cstdint>

#include "core/job.h"
#include "io/batch_source.h"

namespace saev {

/// Checks what a consumer asks for and makes room for it. Returns how many rows are to be filled from
/// `position` of the epoch on, at most `max_rows`; 0 at the epoch's end. Throws Code::kInvalidArgument for
/// `max_rows` below 1, and Code::kAborted.
int64_t begin_batch(Batch& batch, const BatchSource& source, int64_t position, int64_t max_rows,
                    const Job& job);

}  // namespace saev
