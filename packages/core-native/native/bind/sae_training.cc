#include "bind/sae_training.h"

#include <initializer_list>
#include <string>
#include <utility>

#include "bind/args.h"
#include "bind/sparse_autoencoder.h"
#include "bind/trainer.h"
#include "core/error.h"

namespace saev::bind {
namespace {

double non_negative(const Napi::Object& o, const char* name) {
  const double v = number_of(o.Get(name), name);
  if (!(v >= 0) || v > 1e300) {
    throw Error(Code::kInvalidArgument,
                std::string(name) + ": expected a number of at least 0, found " + std::to_string(v));
  }
  return v;
}

template <typename T>
T one_of(const Napi::Value& value, const char* what, std::initializer_list<std::pair<const char*, T>> words) {
  const std::string found = string_of(value, what);
  std::string expected;
  for (const auto& [word, meaning] : words) {
    if (found == word) return meaning;
    expected += std::string(expected.empty() ? "" : ", ") + word;
  }
  throw Error(Code::kInvalidArgument,
              std::string(what) + ": expected one of " + expected + ", found " + found);
}

}  // namespace

SaeTraining sae_training_of(const Napi::Object& o) {
  SaeTraining t;
  t.lr = non_negative(o, "lr");
  t.n_lr_warmup = int_of(o.Get("nLrWarmup"), "nLrWarmup");
  t.sparsity_coeff = non_negative(o, "sparsityCoeff");
  t.n_sparsity_warmup = int_of(o.Get("nSparsityWarmup"), "nSparsityWarmup");
  t.legacy_sparsity_warmup = bool_of(o.Get("legacySparsityWarmup"), "legacySparsityWarmup");
  t.remove_parallel_grads = bool_of(o.Get("removeParallelGrads"), "removeParallelGrads");
  t.normalize_w_dec = bool_of(o.Get("normalizeWDec"), "normalizeWDec");
  t.decay = decay_of(o.Get("decay"));
  t.n_steps = int_of(o.Get("nSteps"), "nSteps");
  t.optimiser = one_of<Optimiser>(o.Get("optimizer"), "optimizer",
                                  {{"adam", Optimiser::kAdam}, {"muon", Optimiser::kMuon}});
  t.weight_decay = non_negative(o, "weightDecay");
  t.penalty = one_of<Penalty>(o.Get("penalty"), "penalty",
                              {{"l1", Penalty::kL1}, {"l0", Penalty::kL0}, {"tanh-l0", Penalty::kTanh}});
  t.tanh_scale = non_negative(o, "tanhScale");
  t.bandwidth = non_negative(o, "bandwidth");
  t.activation = activation_of(o.Get("activation"));
  t.momentum = non_negative(o, "momentum");
  t.input = bool_of(o.Get("centred"), "centred") ? EncoderInput::kCentred : EncoderInput::kRaw;
  t.n_prefixes = int_of(o.Get("nPrefixes"), "nPrefixes");
  t.prefix_form = bool_of(o.Get("prefixesAsPublished"), "prefixesAsPublished") ? PrefixForm::kPublished
                                                                               : PrefixForm::kPythonPackage;
  t.prefix_seed = int_of(o.Get("prefixSeed"), "prefixSeed");
  t.prefixes = ints_of(o.Get("prefixes"), "prefixes");
  t.dead_threshold = int_of(o.Get("deadThresholdTokens"), "deadThresholdTokens");
  t.aux.k = int_of(o.Get("kAux"), "kAux");
  t.aux.alpha = non_negative(o, "alpha");
  t.aux.form =
      bool_of(o.Get("auxAsPublished"), "auxAsPublished") ? AuxForm::kPublished : AuxForm::kPythonPackage;
  t.grad_clip = non_negative(o, "gradClip");
  t.screening = one_of<Screening>(o.Get("screening"), "screening",
                                  {{"auto", Screening::kAuto}, {"off", Screening::kOff}});
  t.encoder_precision =
      one_of<Precision>(o.Get("encoderPrecision"), "encoderPrecision",
                        {{"float32", Precision::kFloat32}, {"bfloat16", Precision::kBfloat16}});
  return t;
}

}  // namespace saev::bind
