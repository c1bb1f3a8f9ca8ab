#include "vit/head.h"

#include <ATen/ops/add.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/sigmoid.h>

#include "core/error.h"

namespace saev {
namespace {

/// Whether gain and shift of a norm over d were there.
bool take_norm(WeightReader& weights, const std::string& name, int64_t d, at::Tensor& gain,
               at::Tensor& shift) {
  if (name.empty()) return false;
  gain = weights.take_if_there(name + ".weight", 1);
  shift = weights.take_if_there(name + ".bias", 1);
  if (gain.defined() && shift.defined() && gain.size(0) == d && shift.size(0) == d) return true;
  gain = shift = at::Tensor();
  return false;
}

/// Whether a linear layer [any, in] with its bias was there.
bool take_linear(WeightReader& weights, const std::string& name, int64_t in, at::Tensor& weight,
                 at::Tensor& bias) {
  weight = weights.take_if_there(name + ".weight", 2);
  bias = weights.take_if_there(name + ".bias", 1);
  return weight.defined() && bias.defined() && weight.size(1) == in && bias.size(0) == weight.size(0);
}

at::Tensor activate(const at::Tensor& x, Gelu gelu) {
  if (gelu == Gelu::kQuick) return at::mul(x, at::sigmoid(at::mul(x, 1.702)));
  return at::gelu(x, gelu == Gelu::kTanh ? "tanh" : "none");
}

}  // namespace

HeadNames timm_head_names(const std::string& at, bool projected) {
  HeadNames names{.norm = at + "norm", .pooled_norm = at + "fc_norm", .attention = at + "attn_pool."};
  if (projected) {
    const std::string outer = at.substr(0, at.size() - std::string("trunk.").size());
    names.linear = {at + "head", outer + "head.proj"};
    names.unsupported = outer + "head.mlp.fc1.weight";
  }
  return names;
}

bool Head::take_attention(WeightReader& weights, const std::string& at, int64_t d) {
  const at::Tensor latent = weights.take_if_there(at + "latent", 3);
  at::Tensor q_weight, q_bias;
  Attention& a = attention_;
  const bool all = latent.defined() && take_linear(weights, at + "q", d, q_weight, q_bias) &&
                   take_linear(weights, at + "kv", d, a.key_value_weight, a.key_value_bias) &&
                   take_linear(weights, at + "proj", d, a.proj_weight, a.proj_bias) &&
                   take_norm(weights, at + "norm", d, a.norm_gain, a.norm_shift) &&
                   take_linear(weights, at + "mlp.fc1", d, a.fc1_weight, a.fc1_bias) &&
                   take_linear(weights, at + "mlp.fc2", a.fc1_weight.size(0), a.fc2_weight, a.fc2_bias);
  if (!all || latent.numel() != d || q_weight.size(0) != d || a.key_value_weight.size(0) != 2 * d ||
      a.proj_weight.size(0) != d || a.fc2_weight.size(0) != d || heads_ < 1 || d % heads_ != 0) {
    return false;
  }
  a.query = at::linear(latent.view({1, d}), q_weight, q_bias).view({d});
  return true;
}

void Head::take(WeightReader& weights, const HeadNames& names, const HeadConfig& config, int64_t d,
                float eps) {
  heads_ = config.heads;
  gelu_ = config.gelu;
  eps_ = eps;
  const bool norm = take_norm(weights, names.norm, d, norm_gain_, norm_shift_);
  const bool pooled = take_norm(weights, names.pooled_norm, d, pooled_norm_gain_, pooled_norm_shift_);
  Pool pool = config.pool;
  if (pool == Pool::kAuto) {
    pool = weights.has(names.attention + "latent") ? Pool::kAttention
           : pooled || !config.has_cls             ? Pool::kMean
                                                   : Pool::kCls;
  }
  if (pool == Pool::kNone || (names.norm_needed && !norm)) return;
  if (!names.unsupported.empty() && weights.has(names.unsupported)) return;
  if ((pool == Pool::kCls || pool == Pool::kFirstTwo) && !config.has_cls) return;
  if (pool == Pool::kAttention && !take_attention(weights, names.attention, d)) return;
  for (const std::string& name : names.linear) {
    projection_ = weights.take_if_there(name + ".weight", 2);
    if (!projection_.defined()) continue;
    projection_bias_ = weights.take_if_there(name + ".bias", 1);
    break;
  }
  if (!names.matrix.empty()) {
    const at::Tensor matrix = weights.take_if_there(names.matrix, 2);
    if (matrix.defined()) projection_ = matrix.t().contiguous();
  }
  if (projection_.defined() &&
      (projection_.size(1) != d ||
       (projection_bias_.defined() && projection_bias_.size(0) != projection_.size(0)))) {
    projection_ = projection_bias_ = at::Tensor();
    return;
  }
  pool_ = pool;
  whole_ = pool == Pool::kAttention ? config.whole_attention : config.whole_mean;
  width_ = projection_.defined() ? projection_.size(0) : d;
}

at::Tensor Head::attend(const at::Tensor& tokens) const {
  const Attention& a = attention_;
  const int64_t n = tokens.size(0), length = tokens.size(1), d = tokens.size(2);
  const at::Tensor both = at::linear(tokens, a.key_value_weight, a.key_value_bias)
                              .view({n, length, 2, heads_, d / heads_})
                              .permute({2, 0, 3, 1, 4});
  const at::Tensor query = a.query.view({1, heads_, 1, d / heads_}).expand({n, heads_, 1, d / heads_});
  const at::Tensor joined =
      at::scaled_dot_product_attention(query, both[0], both[1]).transpose(1, 2).reshape({n, d});
  const at::Tensor x = at::linear(joined, a.proj_weight, a.proj_bias);
  const at::Tensor hidden =
      at::linear(at::layer_norm(x, {d}, a.norm_gain, a.norm_shift, eps_), a.fc1_weight, a.fc1_bias);
  return at::add(x, at::linear(activate(hidden, gelu_), a.fc2_weight, a.fc2_bias));
}

at::Tensor Head::operator()(const at::Tensor& tokens, const VisionShape& shape) const {
  if (width_ == 0) throw Error(Code::kUnsupported, "this model has no embedding");
  const int64_t d = tokens.size(2);
  at::Tensor x = tokens;
  if (norm_gain_.defined()) x = at::layer_norm(x, {d}, norm_gain_, norm_shift_, eps_);
  const at::Tensor over = whole_ ? x : x.narrow(1, shape.n_prefix(), shape.n_patches);
  switch (pool_) {
    case Pool::kFirstTwo:
      x = x.narrow(1, 0, 2).mean(1);
      break;
    case Pool::kMean:
      x = over.mean(1);
      break;
    case Pool::kAttention:
      x = attend(over);
      break;
    default:
      x = x.select(1, 0);
  }
  if (pooled_norm_gain_.defined()) {
    x = at::layer_norm(x, {d}, pooled_norm_gain_, pooled_norm_shift_, eps_);
  }
  if (projection_.defined()) x = at::linear(x, projection_, projection_bias_);
  return x.contiguous();
}

}  // namespace saev
