#pragma once
// N sparse autoencoders trained on the same batches. They share the width of an activation; learning rate,
// kind, objective, d_sae and start may differ.

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/job.h"
#include "io/batch_source.h"
#include "sae/batch_limiter.h"
#include "sae/prefixes.h"
#include "sae/schedule.h"
#include "sae/sparse_autoencoder.h"
#include "sae/step.h"
#include "sae/train_checkpoint.h"
#include "sae/train_state.h"

namespace saev {

/// What may differ between SAEs on one pass.
struct SaeTraining {
  double lr = 4e-4;
  int64_t n_lr_warmup = 500;
  double sparsity_coeff = 4e-4;
  int64_t n_sparsity_warmup = 0;
  /// The Python package's sparsity warm-up has no effect: the coefficient is there in full from the first
  /// step.
  bool legacy_sparsity_warmup = false;
  bool remove_parallel_grads = true;
  bool normalize_w_dec = true;
  Decay decay = Decay::kConstant;
  int64_t n_steps = 0;  ///< total steps of a schedule that falls to 0
  Optimiser optimiser = Optimiser::kAdam;
  double weight_decay = 0;
  Penalty penalty = Penalty::kL1;
  double tanh_scale = 4;
  double bandwidth = 0.03;
  Activation activation;
  double momentum = 0.1;
  EncoderInput input = EncoderInput::kCentred;
  int64_t n_prefixes = 1;  ///< Matryoshka prefixes drawn for each batch
  PrefixForm prefix_form = PrefixForm::kPublished;
  int64_t prefix_seed = 0;
  std::vector<int64_t> prefixes;  ///< the same for every batch, in place of drawn ones; empty: drawn
  int64_t dead_threshold = 0;
  AuxK aux;
  double grad_clip = 0;
  Screening screening = Screening::kAuto;
  Precision encoder_precision = Precision::kFloat32;  ///< see StepOptions
};

/// One SAE's figures of one step, before its update.
struct SaeStep {
  StepMetrics metrics;
  double lr = 0;                  ///< used in this step
  double sparsity_coeff = 0;      ///< used in this step
  std::vector<int64_t> prefixes;  ///< used in this step
  bool dropped = false;           ///< whether its loss was not finite, now or in an earlier step
  bool made =
      false;  ///< whether it made this step now; false when it was ahead, or an abort came before its turn
};

struct TrainRun {
  int64_t n_patches = 0;  ///< see BatchLimiter
  int64_t batch_size = 0;
  int64_t log_every = 25;   ///< steps between two calls of `on_log`; 0: never
  AbortFlag pause = {};     ///< ends `run` after the step that is being made; null: never
  int64_t pause_every = 0;  ///< steps after which `run` ends, so that a checkpoint can be written; 0: never
  int64_t pause_at = 0;     ///< the step after which `run` ends, so that SAEs can be stopped; 0: none
};

/// Where a run over a source is.
struct TrainPosition {
  int64_t first = 0;          ///< steps that the trainer had made when the run began
  std::string source;         ///< BatchSource::state() before the next batch; empty: there was no run
  BatchLimiter::Count count;  ///< what the limiter has counted
};

class Trainer {
 public:
  explicit Trainer(int64_t d_vit);

  /// Adds an SAE that starts from `params`; returns its number. Throws Code::kShapeMismatch for another
  /// d_vit.
  int64_t add(const Params& params, const SaeTraining& options);

  int64_t d_vit() const { return d_vit_; }
  int64_t size() const { return static_cast<int64_t>(saes_.size()); }
  int64_t steps() const { return steps_; }
  Params params(int64_t sae) const;
  /// Ready to encode, with the threshold that training has found.
  SparseAutoencoder sae(int64_t sae) const;
  /// Rows since each latent fired, where that is counted; else zeros.
  const std::vector<int64_t>& since_active(int64_t sae) const;

  /// What messages call an SAE; at first "SAE 0" and so on.
  void name(int64_t sae, const std::string& name) { entry(sae).name = name; }
  /// Why an SAE was dropped, or empty.
  const std::string& dropped(int64_t sae) const { return entry(sae).dropped; }

  /// No more steps of this SAE: its parameters stay, its moments are freed. The others go on.
  void stop(int64_t sae);

  /// One step of every SAE on x [rows, d_vit]. An SAE whose loss is not finite is dropped: it makes no more
  /// steps, its weights are those that gave that loss (finite or not), the others go on. No copy of earlier
  /// weights is kept: those of the last `save` are, in its file, which never holds weights that are not
  /// finite. Throws Code::kNumeric, naming step and SAE, when none is left, and when the batch is to blame:
  /// then nothing is dropped, that SAE is as after the step before, those before it have made the step, those
  /// after it have not. `gradients`, when given, gets each SAE's; `prefixes`, when not empty, are used in
  /// place of drawn ones.
  std::vector<SaeStep> step(const float* x, int64_t rows, StepTimes* times = nullptr,
                            std::vector<StepGradients>* gradients = nullptr, const Job* job = nullptr,
                            const std::vector<int64_t>& prefixes = {});

  /// Steps over `source` until the limiter ends (then true) or `options` ask for a pause. After a pause, an
  /// abort, an error or `restore`, the next call goes on with the very batch that comes next, to the same
  /// bits as without. Throws Code::kAborted when the job was aborted: each SAE is then as after a whole step,
  /// some perhaps a step ahead of the others.
  bool run(BatchSource& source, const TrainRun& options, const Job& job,
           const std::function<void(int64_t step, const std::vector<SaeStep>&, int64_t rows)>& on_log,
           const std::function<void(int64_t step, int64_t sae)>& on_drop = nullptr);

  /// Seconds of all calls of `run` so far in which a step waited for its batch.
  double waited() const { return waited_; }

  /// Writes all that an SAE's training needs to go on, and where the run is, to a file (train_checkpoint.h);
  /// `metadata` are the caller's. Throws Code::kNumeric for an SAE that was dropped, or whose last update
  /// made weights that are not finite, Code::kInvalidArgument for one that was stopped, Code::kIo.
  void save(int64_t sae, const std::string& path, const TextPairs& metadata, const Job& job);
  /// Puts an SAE, and the run, where `save` found them. Files of SAEs that go on together must be of the same
  /// place in the run. Throws as read_train_checkpoint does, Code::kInvalidArgument for a file of another
  /// place.
  void restore(int64_t sae, const std::string& path, const Job& job);
  /// Whether an SAE's state can be saved: it was neither dropped nor stopped.
  bool can_save(int64_t sae) const { return steps_on(entry(sae)); }

 private:
  struct Entry {
    std::string name;
    std::string dropped;  ///< why, or empty
    bool stopped = false;
    int64_t steps =
        0;  ///< made; one more than the trainer's after an abort that came between two SAEs' turns
    SaeTraining options;
    LearningRate lr;
    Warmup sparsity;
    TrainState state;
  };
  static bool steps_on(const Entry& e) { return e.dropped.empty() && !e.stopped; }
  const Entry& entry(int64_t sae) const;
  Entry& entry(int64_t sae) { return const_cast<Entry&>(std::as_const(*this).entry(sae)); }
  /// A step of those that are not ahead; `each` SAE, or the first alone, may be interrupted.
  void make_step(std::vector<SaeStep>& out, const float* x, int64_t rows, StepTimes* times,
                 std::vector<StepGradients>* gradients, const Job* job, bool each,
                 const std::vector<int64_t>& prefixes);
  /// Drops an SAE; throws when none is left that makes steps.
  void drop(Entry& e, const std::string& why);
  StepOptions step_options(const Entry& e, int64_t step, const std::vector<int64_t>& prefixes) const;

  int64_t d_vit_;
  int64_t steps_ = 0;  ///< made by all
  TrainPosition position_;
  bool going_on_ = false;  ///< whether the next run goes on from `position_`
  bool restored_ = false;
  double waited_ = 0;
  std::vector<Entry> saes_;
  StepScratch scratch_;  ///< of all: they step one after the other, each on all cores
};

}  // namespace saev
