#pragma once
// SHA256SUMS: the SHA-256 of every finished shard, one line a file as `sha256sum` writes them, so that
// `sha256sum -c SHA256SUMS` in the folder checks a copy where saev is not at hand.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace saev {

inline constexpr const char* kChecksumsFile = "SHA256SUMS";

/// Digest in hex by shard.
using Checksums = std::map<int64_t, std::string>;

/// Those of `folder`; none when there is no such file. Lines about other files, or that are no such lines,
/// are left out.
Checksums read_checksums(const std::string& folder);
/// The text of such a file.
Checksums parse_checksums(std::string_view text);
/// Atomically and durably.
void write_checksums(const std::string& folder, const Checksums& sums);

}  // namespace saev
