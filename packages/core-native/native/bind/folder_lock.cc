#include "bind/folder_lock.h"

#include <memory>
#include <string>

#include "bind/args.h"
#include "bind/guard.h"
#include "bind/handle.h"
#include "io/folder_lock.h"

namespace saev::bind {
namespace {

/// lockFolder(folder, busy) → handle; disposing it unlocks. `busy` is the message when it is locked.
Napi::Value lock_folder(const Napi::CallbackInfo& info) {
  const std::string folder = string_of(info[0], "folder"), busy = string_of(info[1], "busy");
  if (busy.empty())
    throw Error(Code::kInvalidArgument, "busy: expected what to say when the folder is locked");
  return wrap(info.Env(), std::make_shared<FolderLock>(folder, busy), "FolderLock");
}

}  // namespace

void register_folder_lock(Napi::Env env, Napi::Object exports) {
  export_function<lock_folder>(env, exports, "lockFolder");
}

}  // namespace saev::bind
