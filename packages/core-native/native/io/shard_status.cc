#include "io/shard_status.h"

#include "core/error.h"
#include "io/atomic_file.h"
#include "io/json.h"
#include "io/mapped_file.h"

namespace saev {

std::optional<ShardStatus> read_shard_status(const std::string& folder) {
  const std::string path = folder + "/" + kStatusFile;
  std::shared_ptr<const MappedFile> file;
  try {
    file = MappedFile::open(path);
  } catch (const Error& e) {
    if (e.code() == Code::kNotFound) return std::nullopt;
    throw;
  }
  const auto bytes = file->bytes();
  return parse_shard_status({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

ShardStatus parse_shard_status(std::string_view text, const std::string& path) {
  const Json root = parse_json(text, path);
  const auto bad = [&path](const char* what) {
    return Error(Code::kBadFile, path + ": " + what + "; delete this file to record the folder anew");
  };
  const Json *format = root.get("format"), *status = root.get("status"), *done = root.get("images_done"),
             *holes = root.get("holes");
  if (format == nullptr || status == nullptr || done == nullptr || holes == nullptr) {
    throw bad("expected format, status, images_done and holes");
  }
  if (format->whole() != 1) {
    throw Error(Code::kUnsupported,
                path + ": format " + shown(format->text) + " was written by a newer saev");
  }
  ShardStatus out;
  out.complete = status->text == "complete";
  out.images_done = done->whole();
  if (out.images_done < 0 || (!out.complete && status->text != "recording"))
    throw bad("its values make no sense");
  if (const Json* dtype = root.get("compute_dtype")) out.compute_dtype = dtype->text;
  for (const Json& hole : holes->array) {
    const int64_t image = hole.whole();
    if (image < 0 || image >= out.images_done || (!out.holes.empty() && image <= out.holes.back())) {
      throw bad("its holes are not ascending numbers of recorded images");
    }
    out.holes.push_back(image);
  }
  return out;
}

void write_shard_status(const std::string& folder, const ShardStatus& status) {
  std::string text = "{\n  \"format\": 1,\n  \"status\": \"";
  text += status.complete ? "complete" : "recording";
  text += "\",\n  \"images_done\": " + std::to_string(status.images_done) + ",\n  \"holes\": [";
  for (size_t i = 0; i < status.holes.size(); ++i) text += (i ? ", " : "") + std::to_string(status.holes[i]);
  text += "]";
  if (status.compute_dtype != "float32") text += ",\n  \"compute_dtype\": \"" + status.compute_dtype + "\"";
  text += "\n}\n";
  AtomicFile file(folder + "/" + kStatusFile);
  file.write(text);
  file.commit();
}

}  // namespace saev
