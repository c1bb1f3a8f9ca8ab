#include "stats/legacy_top_k.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/gt.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/sign.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "core/error.h"
#include "stats/accumulate.h"

namespace saev {
namespace {

/// f_x of a batch as the matrix that the original works on, [rows, d_sae].
at::Tensor dense(const SparseBatch& f_x) {
  at::Tensor out = at::zeros({f_x.rows, f_x.d_sae}, at::kFloat);
  auto* p = out.mutable_data_ptr<float>();
  for (int64_t r = 0; r < f_x.rows; ++r) {
    for (int64_t e = f_x.row_start[static_cast<size_t>(r)]; e < f_x.row_start[static_cast<size_t>(r) + 1];
         ++e) {
      p[r * f_x.d_sae + f_x.latent[static_cast<size_t>(e)]] = f_x.value[static_cast<size_t>(e)];
    }
  }
  return out;
}

at::Tensor to_tensor(const std::vector<int64_t>& values) {
  at::Tensor out = at::empty({static_cast<int64_t>(values.size())}, at::kLong);
  if (!values.empty()) std::memcpy(out.mutable_data_ptr(), values.data(), values.size() * sizeof(int64_t));
  return out;
}

/// Rows `index` [d_sae, k] of `values` [d_sae, n, patches], per latent.
at::Tensor gather_images(const at::Tensor& values, const at::Tensor& index) {
  const int64_t patches = values.size(2);
  return values.gather(1, index.unsqueeze(-1).expand({index.size(0), index.size(1), patches}));
}

}  // namespace

LegacyPercentile::LegacyPercentile(int64_t percentile, int64_t total, double lr, at::IntArrayRef shape)
    : percentile_(percentile), total_(total), lr_(lr), estimate_(at::zeros(shape, at::kFloat)) {}

void LegacyPercentile::update(const at::Tensor& x) {
  ++step_;
  const double step = lr_ * static_cast<double>(total_ - step_) / static_cast<double>(total_);
  const at::Tensor direction = at::sign(x - estimate_) + 2.0 * static_cast<double>(percentile_) / 100.0 - 1.0;
  estimate_ += step * direction;
}

LegacyTables legacy_top_k(BatchSource& source, const Encoder& encoder, const LegacyOptions& options,
                          const Job& job) {
  if (options.patches_per_image < 1 || options.sae_batch_size < 1 || options.n_distributions < 0 ||
      options.percentile < 0 || options.percentile > 100) {
    throw Error(
        Code::kInvalidArgument,
        "the original's tables need patches_per_image ≥ 1, sae_batch_size ≥ 1, n_distributions ≥ 0 and "
        "a percentile from 0 to 100");
  }
  const int64_t d_sae = encoder.d_sae(), patches = options.patches ? options.patches_per_image : 1;
  const int64_t batch_size = options.topk_batch_size / patches * patches;
  if (source.dim() != encoder.d_vit()) {
    throw Error(Code::kShapeMismatch, "the SAE takes activations of width " +
                                          std::to_string(encoder.d_vit()) + ", and these have " +
                                          std::to_string(source.dim()));
  }
  if (batch_size < options.top_k || options.top_k < 1) {
    throw Error(Code::kInvalidArgument,
                "the original's tables need 1 ≤ top_k ≤ topk_batch_size, found top_k = " +
                    std::to_string(options.top_k) + " and " + std::to_string(batch_size) +
                    " rows in whole images");
  }
  const int64_t rows = source.length();
  const int64_t n_distributions = std::min(options.n_distributions, d_sae);
  LegacyTables out;
  out.top_values = options.patches ? at::full({d_sae, options.top_k, patches}, -1.0, at::kFloat)
                                   : at::full({d_sae, options.top_k}, -1.0, at::kFloat);
  out.top_img_i = at::zeros({d_sae, options.top_k}, at::kLong);
  out.mean_values = at::zeros({d_sae}, at::kFloat);
  out.sparsity = at::zeros({d_sae}, at::kFloat);
  out.distributions = at::zeros({n_distributions, rows}, at::kFloat);
  LegacyPercentile percentile(options.percentile, rows, 1e-3, {d_sae});

  source.reset();
  Batch batch;
  SparseBatch f_x;
  int64_t done = 0;
  while (source.next(batch, std::min(batch_size, std::max<int64_t>(1, rows)), job) > 0) {
    job.check_abort();
    if (options.patches && batch.rows < batch_size) break;  // it drops the last, partial batch
    if (batch.rows < options.top_k) {
      throw Error(Code::kInvalidArgument, "the original fails when its last batch has fewer than top_k rows");
    }
    encode_in_pieces(encoder, batch, options.sae_batch_size, nullptr, f_x, job);
    const at::Tensor f_bs = dense(f_x);
    for (int64_t r = 0; r < batch.rows; ++r) percentile.update(f_bs.select(0, r));
    const at::Tensor f_sb = f_bs.t();
    for (int64_t l = 0; l < n_distributions; ++l) {
      auto* row = out.distributions.mutable_data_ptr<float>() + l * rows;
      for (int64_t r = 0; r < batch.rows; ++r) {  // later rows of an image overwrite earlier ones
        row[batch.image_i[static_cast<size_t>(r)]] = f_bs.const_data_ptr<float>()[r * d_sae + l];
      }
    }
    out.mean_values += f_sb.sum(1);
    out.sparsity += f_sb.gt(0).sum(1);

    if (options.patches) {
      std::vector<int64_t> images;
      for (int64_t r = 0; r < batch.rows; r += patches)
        images.push_back(batch.image_i[static_cast<size_t>(r)]);
      const at::Tensor values = f_sb.reshape({d_sae, static_cast<int64_t>(images.size()), patches});
      const at::Tensor k_image =
          std::get<1>(at::topk(f_sb, options.top_k, 1)).divide(patches, "floor").to(at::kLong);
      const at::Tensor all_values = at::cat({out.top_values, gather_images(values, k_image)}, 1);
      const at::Tensor found = at::index_select(to_tensor(images), 0, k_image.flatten()).view_as(k_image);
      const at::Tensor k = std::get<1>(at::topk(at::amax(all_values, {-1}), options.top_k, 1));
      out.top_values = gather_images(all_values, k);
      out.top_img_i = at::gather(at::cat({out.top_img_i, found}, 1), 1, k);
    } else {
      const auto [values, k_row] = at::topk(f_sb, options.top_k, 1);
      const at::Tensor found = at::index_select(to_tensor(batch.image_i), 0, k_row.flatten()).view_as(k_row);
      const auto [best, k] = at::topk(at::cat({out.top_values, values}, 1), options.top_k, 1);
      out.top_img_i = at::gather(at::cat({out.top_img_i, found}, 1), 1, k);
      out.top_values = best;
    }
    done += batch.rows;
    job.report({static_cast<double>(done), static_cast<double>(rows), {}});
  }
  out.mean_values = out.mean_values / out.sparsity;
  out.sparsity = out.sparsity / static_cast<double>(rows);
  out.percentiles = percentile.estimate();
  return out;
}

}  // namespace saev
