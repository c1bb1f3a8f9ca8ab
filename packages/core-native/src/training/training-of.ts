import type { Gated, JumpRelu, Resolved, ResolvedTrain, Sae } from "@saev/config";
import type { SaeTraining } from "./sae-training.js";

/** @internal What a config asks of the trainer, in a run of `nSteps`. The encoder of every kind sees x − b_dec, as published. */
export function trainingOf(
  cfg: ResolvedTrain,
  sae: Resolved<Exclude<Sae, JumpRelu | Gated>>,
  nSteps: number,
  legacySparsityWarmup: boolean,
): SaeTraining {
  const { objective } = cfg;
  const shared: SaeTraining = {
    lr: cfg.lr,
    nLrWarmup: cfg.n_lr_warmup,
    nSparsityWarmup: cfg.n_sparsity_warmup,
    legacySparsityWarmup,
    removeParallelGrads: sae.remove_parallel_grads,
    normalizeWDec: sae.normalize_w_dec,
    gradClip: cfg.grad_clip,
    ...(cfg.optimizer === "adamw" && { weightDecay: cfg.weight_decay }),
    ...(cfg.lr_schedule !== "constant" && { schedule: { decay: cfg.lr_schedule, nSteps } }),
    ...(objective.kind === "matryoshka" && {
      matryoshka: { nPrefixes: objective.n_prefixes, draw: objective.prefix_draw, seed: cfg.seed },
    }),
  };
  if (sae.kind === "relu") return { ...shared, sparsityCoeff: objective.sparsity_coeff };
  return {
    ...shared,
    sparsityCoeff: 0,
    activation: { kind: sae.kind, topK: sae.top_k, relu: sae.relu },
    deadThresholdTokens: sae.dead_threshold_tokens,
    ...(sae.k_aux > 0 && { auxK: { kAux: sae.k_aux, alpha: sae.alpha, form: sae.aux_form } }),
    ...(sae.kind === "batch-top-k" && { momentum: sae.momentum }),
  };
}
