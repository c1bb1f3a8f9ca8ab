#include "io/weight_files.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "core/error.h"
#include "io/json.h"

namespace saev {
namespace {

/// Keys under which training code saves a model's state_dict, the likelier first. An average of the weights
/// is taken only where the weights themselves are not there.
constexpr std::array<std::string_view, 12> kContainers = {
    "state_dict", "model_state_dict", "model_state", "model",   "module",    "net",
    "network",    "weights",          "params",      "teacher", "model_ema", "state_dict_ema"};
/// What wrappers of modules put in front of every name.
constexpr std::array<std::string_view, 4> kWrappers = {"module.", "_orig_mod.", "model.", "backbone."};

bool begins(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

/// The dict of the saved one that holds the weights, with a "." behind it; empty when that is the saved one
/// itself.
std::string container_of(const TensorFile& file) {
  std::string found;
  // A state_dict may lie in a dict that lies in a dict; `nested` knows them at every level.
  for (int level = 0; level < 4; ++level) {
    const auto next = std::find_if(kContainers.begin(), kContainers.end(), [&](std::string_view key) {
      return file.nested(found + std::string(key));
    });
    if (next == kContainers.end()) break;
    found += std::string(*next) + ".";
  }
  return found;
}

/// Heads that self-supervised training keeps beside the backbone, and that belong to no model.
bool is_training_head(std::string_view name) {
  const std::string_view first = name.substr(0, name.find('.'));
  return first.size() > 5 && first.substr(first.size() - 5) == "_head";
}

/// Takes away what stands in front of every name, once for each wrapper that was put around.
void unwrap(std::vector<std::string>& names, std::string& prefix) {
  for (bool again = !names.empty(); again;) {
    again = false;
    for (const std::string_view wrapper : kWrappers) {
      const auto inside = [&](const std::string& name) {
        return begins(name, wrapper) || (wrapper == "backbone." && is_training_head(name));
      };
      if (!std::all_of(names.begin(), names.end(), inside)) continue;
      std::vector<std::string> bare;
      for (const std::string& name : names) {
        if (begins(name, wrapper)) bare.push_back(name.substr(wrapper.size()));
      }
      if (bare.empty()) continue;
      names = std::move(bare);
      prefix += wrapper;
      again = true;
    }
  }
}

/// Several files seen as one.
class WeightFiles final : public TensorFile {
 public:
  explicit WeightFiles(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) {
      files_.push_back(open_tensor_file(path));
      add(*files_.back(), path);
    }
    // Of all shards together: one shard's names may all begin alike by chance.
    unwrap(names_, prefix_);
    for (const auto& file : files_) {
      metadata_.insert(metadata_.end(), file->metadata().begin(), file->metadata().end());
    }
  }

  const std::vector<std::string>& names() const override { return names_; }
  bool contains(const std::string& name) const override { return places_.count(prefix_ + name) != 0; }
  at::Tensor tensor(const std::string& name) const override {
    const auto found = places_.find(prefix_ + name);
    // Unknown names fail in the first file, with what that holds.
    if (found == places_.end()) return files_.front()->tensor(name);
    return found->second.file->tensor(found->second.name);
  }
  const std::vector<std::pair<std::string, std::string>>& metadata() const override { return metadata_; }

 private:
  struct Place {
    const TensorFile* file;
    std::string name;
    const std::string* path;
  };

  void add(const TensorFile& file, const std::string& path) {
    const std::string container = container_of(file);
    paths_.push_back(std::make_unique<std::string>(path));
    for (const std::string& name : file.names()) {
      if (!begins(name, container)) continue;
      std::string bare = name.substr(container.size());
      const auto [there, is_new] = places_.emplace(bare, Place{&file, name, paths_.back().get()});
      if (!is_new) {
        throw Error(Code::kBadFile, "tensor " + shown(bare) + " is in both " + *there->second.path + " and " +
                                        path + "; expected the shards of one model");
      }
      names_.push_back(std::move(bare));
    }
  }

  std::vector<std::unique_ptr<TensorFile>> files_;
  std::vector<std::unique_ptr<std::string>> paths_;
  std::vector<std::string> names_;
  std::string prefix_;
  std::unordered_map<std::string, Place> places_;
  std::vector<std::pair<std::string, std::string>> metadata_;
};

}  // namespace

std::unique_ptr<TensorFile> open_weight_files(const std::vector<std::string>& paths) {
  if (paths.empty()) throw Error(Code::kInvalidArgument, "weights: expected at least one file");
  return std::make_unique<WeightFiles>(paths);
}

std::string weight_files_text(const std::vector<std::string>& paths) {
  if (paths.empty()) return "no file";
  if (paths.size() == 1) return paths.front();
  return paths.front() + " and " + std::to_string(paths.size() - 1) + " more";
}

}  // namespace saev
