#pragma once
// A model's weights in whatever form they were saved: one file or the shards of one model, bare or inside the
// containers that training code puts around a state_dict.

#include <memory>
#include <string>
#include <vector>

#include "io/tensor_file.h"

namespace saev {

/// Opens the file, or all shards of a model, as one file with the names of the bare state_dict:
/// - a dict inside the saved one is taken out, by the name that training code gives it ("state_dict",
///   "model_state_dict", "model", …), and what lies beside it (an optimizer's state) is left;
/// - "module.", "_orig_mod.", "model." in front of every name (DataParallel, torch.compile, Lightning) go.
/// Throws as `open_tensor_file`; kBadFile when two shards hold the same tensor, kInvalidArgument for no
/// paths.
std::unique_ptr<TensorFile> open_weight_files(const std::vector<std::string>& paths);

/// What names these files in messages: the path, or the first one's and how many more.
std::string weight_files_text(const std::vector<std::string>& paths);

}  // namespace saev
