#include "bind/sync.h"

#include <memory>
#include <string>
#include <utility>

#include "bind/args.h"
#include "bind/guard.h"
#include "bind/promise_worker.h"
#include "io/atomic_file.h"

namespace saev::bind {
namespace {

class SyncFileSystem final : public PromiseWorker {
 public:
  explicit SyncFileSystem(std::string folder) : folder_(std::move(folder)) {}
  void execute(const Job&) override { sync_file_system(folder_); }
  Napi::Value result(Napi::Env env) override { return env.Undefined(); }

 private:
  std::string folder_;
};

/// syncFileSystem(folder, control) → Promise<void>
Napi::Value sync_file_system_of(const Napi::CallbackInfo& info) {
  return PromiseWorker::start(info[1], std::make_unique<SyncFileSystem>(string_of(info[0], "folder")),
                              "syncFileSystem");
}

}  // namespace

void register_sync(Napi::Env env, Napi::Object exports) {
  export_function<sync_file_system_of>(env, exports, "syncFileSystem");
}

}  // namespace saev::bind
