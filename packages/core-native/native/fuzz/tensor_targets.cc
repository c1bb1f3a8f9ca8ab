#include <ATen/core/Tensor.h>

#include "fuzz/targets.h"
#include "io/mapped_file.h"
#include "io/tensor_file.h"

namespace saev::fuzz {
namespace {

constexpr int64_t kMostCopied = 1 << 20;

/// Every tensor of the file, every element of it copied. The bytes lie in a block of their own, so that the
/// address sanitizer sees a step beyond them.
void tensor_file(Bytes bytes) {
  for (const size_t offset : {size_t{0}, behind_first_line(bytes)}) {
    expect_clear([&] {
      const auto file = open_tensor_file(
          MappedFile::in_memory(std::vector<std::byte>(bytes.begin(), bytes.end()), "the file"), offset);
      for (const std::string& name : file->names()) {
        const at::Tensor tensor = file->tensor(name);
        if (tensor.numel() < kMostCopied) (void)tensor.contiguous().clone();
      }
    });
    if (behind_first_line(bytes) == 0) return;
  }
}

}  // namespace

const std::vector<Target>& tensor_targets() {
  static const std::vector<Target> targets = {{"tensor-file", tensor_file}};
  return targets;
}

}  // namespace saev::fuzz
