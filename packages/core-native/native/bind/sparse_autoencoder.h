#pragma once
// The JavaScript class SparseAutoencoder, and the encoder behind its handle for statistics.

#include <ATen/core/Tensor.h>
#include <napi.h>

#include <memory>
#include <string>

#include "sae/sparse_autoencoder.h"

namespace saev::bind {

/// A handle of class "SparseAutoencoder".
Napi::Value wrap_sparse_autoencoder(Napi::Env env, std::shared_ptr<SparseAutoencoder> sae);
/// The SAE behind a handle. Throws Code::kWrongHandle or Code::kDisposed.
std::shared_ptr<SparseAutoencoder> unwrap_sparse_autoencoder(const Napi::Value& value);
/// The same as the interface that statistics use.
inline std::shared_ptr<Encoder> unwrap_encoder(const Napi::Value& value) {
  return unwrap_sparse_autoencoder(value);
}

/// { selection: "relu" | "top-k" | "batch-top-k" | "jump-relu" | "gated", topK, relu, threshold }.
Activation activation_of(const Napi::Value& value);
/// Plain parameters from the tensors of `{ wEnc, bEnc, wDec, bDec, threshold?, rMag?, bMag? }`, any float
/// dtype.
Params params_of(const Napi::Value& value);
/// The same tensors as handles, float32.
Napi::Value params_to_js(Napi::Env env, Params&& params);

/// Rows x, float32 [rows, d_vit], C order. Throws Code::kShapeMismatch.
at::Tensor rows_of(const Napi::Value& value, const std::string& name, int64_t d_vit);
/// { rowStart, latent, value }
Napi::Value sparse_batch_to_js(Napi::Env env, SparseBatch& batch);

/// The way back. Throws Code::kShapeMismatch when the arrays do not fit each other.
SparseBatch sparse_batch_of(const Napi::Value& value, int64_t d_sae);

void register_sparse_autoencoder(Napi::Env env, Napi::Object exports);

}  // namespace saev::bind
