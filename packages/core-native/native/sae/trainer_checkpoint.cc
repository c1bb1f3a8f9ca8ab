#include <charconv>
#include <string>

#include "core/parallel.h"
#include "sae/trainer.h"

namespace saev {
namespace {

/// The metadata in which a file says where its run is.
constexpr const char *kSteps = "steps", *kMade = "made", *kFirst = "first_step", *kSource = "source",
                     *kSeen = "seen", *kInEpoch = "in_epoch", *kLastRows = "last_rows";

std::string text(const std::string& path, const TextPairs& metadata, const char* key) {
  for (const auto& [name, value] : metadata) {
    if (name == key) return value;
  }
  throw Error(Code::kBadFile, path + ": this training state does not say '" + key + "'");
}

int64_t whole(const std::string& path, const TextPairs& metadata, const char* key) {
  const std::string digits = text(path, metadata, key);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value < 0)
    throw Error(Code::kBadFile, path + ": " + key + ": expected a whole number, found '" + digits + "'");
  return value;
}

}  // namespace

void Trainer::save(int64_t sae, const std::string& path, const TextPairs& metadata, const Job& job) {
  Entry& e = entry(sae);
  if (!e.dropped.empty()) throw Error(Code::kNumeric, e.name + " was dropped: no run goes on from there");
  if (e.stopped)
    throw Error(Code::kInvalidArgument, e.name + " was stopped, and what a run needs to go on was freed");
  if (!e.state.finite()) {
    throw Error(Code::kNumeric, "the last update made weights of " + e.name +
                                    " that are not finite: no run goes on from there. Lower lr");
  }
  scratch_.free_gradients();
  TextPairs all = {{kSteps, std::to_string(steps_)},
                   {kMade, std::to_string(e.steps)},
                   {kFirst, std::to_string(position_.first)},
                   {kSource, position_.source},
                   {kSeen, std::to_string(position_.count.seen)},
                   {kInEpoch, std::to_string(position_.count.in_epoch)},
                   {kLastRows, std::to_string(position_.count.last_rows)},
                   {"level", level_name(e.state.level)},
                   {"threads", std::to_string(num_threads())}};
  all.insert(all.end(), metadata.begin(), metadata.end());
  write_train_checkpoint(path, e.state.items(), e.state.layout, all, job);
}

void Trainer::restore(int64_t sae, const std::string& path, const Job& job) {
  Entry& e = entry(sae);
  TrainPosition position;
  int64_t steps = 0, made = 0;
  const auto check = [&](const TextPairs& metadata) {
    steps = whole(path, metadata, kSteps);
    made = whole(path, metadata, kMade);
    position.first = whole(path, metadata, kFirst);
    position.source = text(path, metadata, kSource);
    position.count = {whole(path, metadata, kSeen), whole(path, metadata, kInEpoch),
                      whole(path, metadata, kLastRows)};
    if (restored_ && (steps != steps_ || position.source != position_.source)) {
      throw Error(Code::kInvalidArgument, path + ": this training state is of step " + std::to_string(steps) +
                                              ", another SAE's is of step " + std::to_string(steps_) +
                                              "; SAEs go on together from the same step");
    }
    if (made < steps || made > steps + 1 || position.first > steps)
      throw Error(Code::kBadFile, path + ": the steps that it tells of do not fit each other");
  };
  read_train_checkpoint(path, e.state.items(), e.state.layout, check, job);
  e.steps = made;
  steps_ = steps;
  position_ = position;
  going_on_ = restored_ = !position.source.empty();
  e.dropped.clear();
  e.stopped = false;
}

}  // namespace saev
