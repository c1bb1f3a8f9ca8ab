#pragma once
// The training state of an SAE as a file: safetensors, whose metadata say what it is and where its run is,
// and whose last tensor is the SHA-256 of all that lies before it.
//
// Tensors lie in their plain forms (train_state.h), so that tools that know nothing of us can look at them.
// The file is written beside, synced and renamed: under its name it is whole, or it is not there.

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/job.h"
#include "sae/layout.h"
#include "sae/train_state.h"

namespace saev {

using TextPairs = std::vector<std::pair<std::string, std::string>>;

/// Writes `items` of an SAE with `layout`. The only memory it needs is one plain matrix. Throws Code::kIo,
/// Code::kAborted.
void write_train_checkpoint(const std::string& path, const std::vector<StateItem>& items,
                            const Layout& layout, const TextPairs& metadata, const Job& job);

/// Reads what `write_train_checkpoint` wrote into `items`, all or, when it throws, none. `check` sees the
/// metadata before. Throws Code::kBadFile for a damaged file or one that is something else,
/// Code::kUnsupported for one of a later version, Code::kShapeMismatch when its tensors are not those of
/// `items`.
void read_train_checkpoint(const std::string& path, const std::vector<StateItem>& items, const Layout& layout,
                           const std::function<void(const TextPairs&)>& check, const Job& job);

}  // namespace saev
