#include "vit/block.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/scaled_dot_product_attention.h>

#include "kernels/cpu/add_norm.h"
#include "kernels/cpu/bias_swiglu.h"

namespace saev {
namespace {

const float* data_or_null(const at::Tensor& t) {
  return t.defined() ? t.const_data_ptr<float>() : nullptr;
}

/// x += scale ⊙ (branch + bias); normed = norm(x) when gain is given. `branch` may be undefined.
void add_and_norm(at::Tensor& x, const at::Tensor& branch, const at::Tensor& bias, const at::Tensor& scale,
                  const at::Tensor& gain, const at::Tensor& shift, float eps, at::Tensor& normed) {
  AddNorm a;
  a.x = x.mutable_data_ptr<float>();
  a.y = data_or_null(branch);
  a.bias = data_or_null(bias);
  a.scale = data_or_null(scale);
  if (gain.defined()) {
    a.out = normed.mutable_data_ptr<float>();
    a.gain = gain.const_data_ptr<float>();
    a.shift = shift.const_data_ptr<float>();
  }
  a.eps = eps;
  a.rows = x.size(0);
  a.d = x.size(1);
  add_norm(a);
}

/// The attention of `images` images of `tokens` tokens, heads joined again: [images · tokens, d].
at::Tensor attention(const at::Tensor& qkv, int64_t images, int64_t tokens, int64_t heads, int64_t d,
                     bool causal) {
  const at::Tensor parts =
      qkv.view({images, tokens, 3, heads, d / heads}).permute({2, 0, 3, 1, 4});  // views: nothing is copied
  const at::Tensor out = at::scaled_dot_product_attention(parts[0], parts[1], parts[2], {}, 0, causal);
  return out.transpose(1, 2).reshape({images * tokens, d});
}

/// norm(x + bias) in place; rows of x follow each other. `bias` may be undefined.
void norm_in_place(at::Tensor& x, const at::Tensor& bias, const at::Tensor& gain, const at::Tensor& shift,
                   float eps) {
  if (bias.defined()) x.add_(bias);
  AddNorm a;
  a.x = a.out = x.mutable_data_ptr<float>();
  a.gain = gain.const_data_ptr<float>();
  a.shift = shift.const_data_ptr<float>();
  a.eps = eps;
  a.rows = x.size(0);
  a.d = x.size(1);
  add_norm(a);
}

/// branch = attention(in) W_proj, the bias left out.
void attention_branch(const Block& b, const at::Tensor& in, int64_t images, int64_t tokens,
                      BlockScratch& scratch) {
  at::addmm_out(scratch.qkv, b.qkv_bias, in, b.qkv_weight.t());
  if (b.rope) rotate(*b.rope, scratch.qkv, images, b.heads);
  at::Tensor joined = attention(scratch.qkv, images, tokens, b.heads, in.size(1), b.causal);
  if (b.attention_norm_gain.defined()) {
    norm_in_place(joined, {}, b.attention_norm_gain, b.attention_norm_shift, b.eps);
  }
  at::mm_out(scratch.branch, joined, b.proj_weight.t());
}

/// branch = activation(in W_fc1 + b_fc1) W_fc2, the second bias left out.
void mlp_branch(const Block& b, const at::Tensor& in, BlockScratch& scratch) {
  const int64_t rows = in.size(0), hidden = b.fc2_weight.size(1);
  at::mm_out(scratch.hidden, in, b.fc1_weight.t());
  float* const active = scratch.hidden.mutable_data_ptr<float>();
  if (b.swiglu) {
    bias_swiglu(active, b.fc1_bias.const_data_ptr<float>(), rows, hidden);
  } else {
    bias_gelu(active, b.fc1_bias.const_data_ptr<float>(), rows, hidden, b.gelu);
  }
  // Of a SwiGLU's buffer the first half of each row: a view that products take as it is.
  at::Tensor used = scratch.hidden.narrow(1, 0, hidden);
  if (b.mlp_norm_gain.defined()) {
    used = used.contiguous();
    norm_in_place(used, {}, b.mlp_norm_gain, b.mlp_norm_shift, b.eps);
  }
  at::mm_out(scratch.branch, used, b.fc2_weight.t());
}

void run_post_norm_block(const Block& b, at::Tensor& x, int64_t images, int64_t tokens,
                         BlockScratch& scratch) {
  attention_branch(b, x, images, tokens, scratch);
  norm_in_place(scratch.branch, b.proj_bias, b.norm1_gain, b.norm1_shift, b.eps);
  x.add_(scratch.branch);
  mlp_branch(b, x, scratch);
  norm_in_place(scratch.branch, b.fc2_bias, b.norm2_gain, b.norm2_shift, b.eps);
  x.add_(scratch.branch);
}

void ensure(at::Tensor& t, int64_t rows, int64_t columns) {
  if (!t.defined() || t.size(0) != rows || t.size(1) != columns) t = at::empty({rows, columns}, at::kFloat);
}

}  // namespace

int64_t Block::bytes() const {
  int64_t total = packed ? packed->bytes() : 0;
  for (const at::Tensor* t : {&qkv_weight, &proj_weight, &fc1_weight, &fc2_weight}) {
    if (t->defined()) total += static_cast<int64_t>(t->nbytes());
  }
  return total;
}

void run_block(const Block& b, const Block* next, at::Tensor& x, int64_t images, int64_t tokens,
               BlockScratch& scratch) {
  if (b.packed) return run_packed_block(b, x, images, tokens, scratch.packed);
  const int64_t rows = x.size(0), d = x.size(1);
  ensure(scratch.normed, rows, d);
  ensure(scratch.qkv, rows, 3 * d);
  ensure(scratch.branch, rows, d);
  ensure(scratch.hidden, rows, b.fc1_weight.size(0));
  if (b.post_norm) return run_post_norm_block(b, x, images, tokens, scratch);
  const at::Tensor none;
  if (!scratch.ready) {
    add_and_norm(x, none, none, none, b.norm1_gain, b.norm1_shift, b.eps, scratch.normed);
  }
  attention_branch(b, scratch.normed, images, tokens, scratch);
  add_and_norm(x, scratch.branch, b.proj_bias, b.scale1, b.norm2_gain, b.norm2_shift, b.eps, scratch.normed);
  mlp_branch(b, scratch.normed, scratch);
  add_and_norm(x, scratch.branch, b.fc2_bias, b.scale2, next != nullptr ? next->norm1_gain : none,
               next != nullptr ? next->norm1_shift : none, next != nullptr ? next->eps : 0, scratch.normed);
  scratch.ready = next != nullptr;
}

}  // namespace saev
