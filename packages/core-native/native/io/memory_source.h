#pragma once
// Rows that are in memory already, in a given order: for tests, traces and small data.

#include <string>
#include <vector>

#include "io/batch_source.h"

namespace saev {

class MemorySource final : public BatchSource {
 public:
  /// `rows` [n, dim], C order, copied. An epoch visits `order` (row numbers, repeats allowed), or every row
  /// once, in order, when it is empty. Throws kInvalidArgument for a row number outside [0, n).
  MemorySource(const float* rows, int64_t n, int64_t dim, std::vector<int64_t> order);

  int64_t dim() const override { return dim_; }
  int64_t length() const override { return static_cast<int64_t>(order_.size()); }
  int64_t next(Batch& batch, int64_t max_rows, const Job& job) override;
  void reset() override { position_ = 0; }
  std::string state() const override { return "memory 1 " + std::to_string(position_); }
  void restore(const std::string& state) override;

 private:
  int64_t dim_;
  std::vector<float> rows_;
  std::vector<int64_t> order_;
  int64_t position_ = 0;
};

}  // namespace saev
