#include "io/checksums.h"

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "core/error.h"
#include "io/atomic_file.h"
#include "io/mapped_file.h"
#include "io/shard_layout.h"

namespace saev {

Checksums read_checksums(const std::string& folder) {
  std::shared_ptr<const MappedFile> file;
  try {
    file = MappedFile::open(folder + "/" + kChecksumsFile);
  } catch (const Error& e) {
    if (e.code() == Code::kNotFound) return {};
    throw;
  }
  const auto bytes = file->bytes();
  return parse_checksums({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Checksums parse_checksums(std::string_view text) {
  Checksums sums;
  constexpr size_t kHex = 64, kName = kHex + 2, kNumber = kName + 4;  // "…  acts000012.bin"
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.size() < kNumber + 6 || line.size() > kNumber + 20) continue;
    if (line.substr(0, kHex).find_first_not_of("0123456789abcdef") != std::string_view::npos) continue;
    const int64_t shard = std::strtoll(std::string(line.substr(kNumber)).c_str(), nullptr, 10);
    if (shard < 0 || line.substr(kHex) != "  " + shard_name(shard)) continue;
    sums[shard] = line.substr(0, kHex);
  }
  return sums;
}

void write_checksums(const std::string& folder, const Checksums& sums) {
  std::string text;
  for (const auto& [shard, hex] : sums) text += hex + "  " + shard_name(shard) + "\n";
  AtomicFile file(folder + "/" + kChecksumsFile);
  file.write(text);
  file.commit();
}

}  // namespace saev
