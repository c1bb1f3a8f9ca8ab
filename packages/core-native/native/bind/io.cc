#include "bind/io.h"

#include "bind/shard_writer.h"
#include "bind/sync.h"
#include "bind/tensor_file.h"

namespace saev::bind {

void register_io(Napi::Env env, Napi::Object exports) {
  register_shard_writer(env, exports);
  register_tensor_file(env, exports);
  register_sync(env, exports);
}

}  // namespace saev::bind
