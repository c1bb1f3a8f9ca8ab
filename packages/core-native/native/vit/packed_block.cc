#include "vit/packed_block.h"

#include <ATen/ops/empty.h>

#include "core/error.h"
#include "kernels/cpu/add_norm.h"
#include "kernels/cpu/attention.h"
#include "vit/block.h"

namespace saev {
namespace {

PackedLinear pack(const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& scale,
                  Epilogue epilogue, Gelu gelu, Precision precision) {
  LinearLayer l;
  l.weight = weight.const_data_ptr<float>();
  if (bias.defined()) l.bias = bias.const_data_ptr<float>();
  if (scale.defined()) l.scale = scale.const_data_ptr<float>();
  l.n_in = weight.size(1);
  l.n_out = epilogue == Epilogue::kSwiglu ? weight.size(0) / 2 : weight.size(0);
  l.epilogue = epilogue;
  l.gelu = gelu;
  return pack_linear(l, precision);
}

void norm(const at::Tensor& x, const at::Tensor& gain, const at::Tensor& shift, float eps,
          const RowsView& out) {
  AddNorm a;
  a.x = x.mutable_data_ptr<float>();
  a.out = out.f32;
  a.out16 = out.bf16;
  a.out_stride = out.stride;
  a.gain = gain.const_data_ptr<float>();
  a.shift = shift.const_data_ptr<float>();
  a.eps = eps;
  a.rows = x.size(0);
  a.d = x.size(1);
  add_norm(a);
}

}  // namespace

void PackedRows::ensure(int64_t n, int64_t width, Precision precision) {
  if (rows == n && columns == width && (precision == Precision::kBfloat16 ? bf16.size() : f32.size()) > 0)
    return;
  rows = n;
  columns = width;
  stride = padded_stride(width, precision == Precision::kBfloat16 ? 2 : 4);
  const auto elements = static_cast<size_t>(rows * stride);
  f32 = {};
  bf16 = {};
  if (precision == Precision::kBfloat16) {
    bf16 = AlignedArray<uint16_t>(elements);
  } else {
    f32 = AlignedArray<float>(elements);
  }
}

RowsView PackedRows::view() {
  return {f32.size() > 0 ? f32.data() : nullptr, bf16.size() > 0 ? bf16.data() : nullptr, stride};
}

const char* cannot_pack(const Block& b, Precision precision) {
  if (b.post_norm) return "its blocks norm their outputs";
  if (b.causal) return "its blocks are causal";
  if (b.attention_norm_gain.defined() || b.mlp_norm_gain.defined()) return "its blocks have inner norms";
  if (!can_pack(precision)) return "this CPU has no instructions for it that we use";
  return nullptr;
}

void pack_block(Block& b, Precision precision) {
  if (const char* why = cannot_pack(b, precision)) throw Error(Code::kUnsupported, why);
  auto p = std::make_shared<PackedBlock>();
  p->qkv = pack(b.qkv_weight, b.qkv_bias, {}, Epilogue::kBias, b.gelu, precision);
  b.qkv_weight.reset();
  p->proj = pack(b.proj_weight, b.proj_bias, b.scale1, Epilogue::kResidual, b.gelu, precision);
  b.proj_weight.reset();
  p->fc1 =
      pack(b.fc1_weight, b.fc1_bias, {}, b.swiglu ? Epilogue::kSwiglu : Epilogue::kGelu, b.gelu, precision);
  b.fc1_weight.reset();
  p->fc2 = pack(b.fc2_weight, b.fc2_bias, b.scale2, Epilogue::kResidual, b.gelu, precision);
  b.fc2_weight.reset();
  b.packed = std::move(p);
}

void run_packed_block(const Block& b, at::Tensor& x, int64_t images, int64_t tokens, PackedScratch& scratch) {
  const PackedBlock& p = *b.packed;
  const Precision precision = p.qkv.precision;
  const int64_t rows = x.size(0), d = x.size(1);
  scratch.normed.ensure(rows, d, precision);
  scratch.hidden.ensure(rows, p.fc2.n_in, precision);
  if (!scratch.qkv.defined() || scratch.qkv.size(0) != rows)
    scratch.qkv = at::empty({rows, 3 * d}, at::kFloat);
  float* const qkv = scratch.qkv.mutable_data_ptr<float>();
  const RowsView residual{x.mutable_data_ptr<float>(), nullptr, d};
  const RowsView normed = scratch.normed.view(), hidden = scratch.hidden.view();

  norm(x, b.norm1_gain, b.norm1_shift, b.eps, normed);
  linear(p.qkv, normed, rows, {qkv, nullptr, 3 * d});
  if (b.rope) rotate(*b.rope, scratch.qkv, images, b.heads);
  Attention a;
  a.qkv = qkv;
  a.out = normed;  // which the product above has read
  a.images = images;
  a.tokens = tokens;
  a.heads = b.heads;
  a.width = d / b.heads;
  attention(a);
  linear(p.proj, normed, rows, residual);

  norm(x, b.norm2_gain, b.norm2_shift, b.eps, normed);
  linear(p.fc1, normed, rows, hidden);
  linear(p.fc2, hidden, rows, residual);
}

}  // namespace saev
