// The addon's entry: one line per file of bindings.

#include <napi.h>

#include "bind/batch_source.h"
#include "bind/cuda.h"
#include "bind/evaluation_sums.h"
#include "bind/folder_lock.h"
#include "bind/handle.h"
#include "bind/image.h"
#include "bind/io.h"
#include "bind/jpeg.h"
#include "bind/latent_examples.h"
#include "bind/latent_probes.h"
#include "bind/live_source.h"
#include "bind/nearest_rows.h"
#include "bind/promise_worker.h"
#include "bind/sparse_autoencoder.h"
#include "bind/system.h"
#include "bind/tensor.h"
#include "bind/text_model.h"
#include "bind/top_k.h"
#include "bind/trainer.h"
#include "bind/trainer_checkpoint.h"
#include "bind/vision_model.h"

namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  using namespace saev::bind;
  register_handles(env, exports);
  register_abort(env, exports);
  register_cuda(env, exports);
  register_io(env, exports);
  register_sparse_autoencoder(env, exports);
  register_image(env, exports);
  register_jpeg(env, exports);
  register_system(env, exports);
  register_tensor(env, exports);
  register_batch_source(env, exports);
  register_live_source(env, exports);
  register_top_k(env, exports);
  register_legacy_top_k(env, exports);
  register_latent_examples(env, exports);
  register_nearest_rows(env, exports);
  register_latent_probes(env, exports);
  register_trainer(env, exports);
  register_trainer_checkpoint(env, exports);
  register_folder_lock(env, exports);
  register_training_plan(env, exports);
  register_evaluate(env, exports);
  register_evaluation_sums(env, exports);
  register_vision_model(env, exports);
  register_vision_loaders(env, exports);
  register_text_model(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(saev, init)
