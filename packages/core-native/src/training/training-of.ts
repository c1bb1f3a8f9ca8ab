import type { ResolvedTrain } from "@saev/config";
import { prefixesOfGroups } from "../sae/group-sizes.js";
import type { SaeTraining } from "./sae-training.js";

/** @internal What a config asks of the trainer, in a run of `nSteps`. The encoder of every kind sees x − b_dec, as published. */
export function trainingOf(cfg: ResolvedTrain, nSteps: number, legacySparsityWarmup: boolean): SaeTraining {
  const { objective, sae } = cfg;
  return {
    lr: cfg.lr,
    nLrWarmup: cfg.n_lr_warmup,
    nSparsityWarmup: cfg.n_sparsity_warmup,
    legacySparsityWarmup,
    removeParallelGrads: sae.remove_parallel_grads,
    normalizeWDec: sae.normalize_w_dec,
    gradClip: cfg.grad_clip,
    screening: cfg.screening,
    encoderPrecision: cfg.encoder_precision,
    ...(cfg.optimizer === "muon" && { optimizer: cfg.optimizer }),
    ...(cfg.optimizer !== "adam" && { weightDecay: cfg.weight_decay }),
    ...(cfg.lr_schedule !== "constant" && { schedule: { decay: cfg.lr_schedule, nSteps } }),
    ...(objective.kind === "matryoshka" && {
      matryoshka:
        objective.group_sizes.length > 0
          ? { prefixes: prefixesOfGroups(objective.group_sizes) }
          : { nPrefixes: objective.n_prefixes, draw: objective.prefix_draw, seed: cfg.seed },
    }),
    sparsityCoeff: "top_k" in sae ? 0 : objective.sparsity_coeff,
    ...ofKind(sae),
  };
}

function ofKind(sae: ResolvedTrain["sae"]): SaeTraining {
  switch (sae.kind) {
    case "relu":
    case "gated":
      return { activation: { kind: sae.kind } };
    case "jump-relu":
      return {
        activation: { kind: sae.kind },
        penalty: sae.sparsity,
        tanhScale: sae.tanh_scale,
        bandwidth: sae.bandwidth,
      };
    default:
      return {
        activation: { kind: sae.kind, topK: sae.top_k, relu: sae.relu },
        deadThresholdTokens: sae.dead_threshold_tokens,
        ...(sae.k_aux > 0 && { auxK: { kAux: sae.k_aux, alpha: sae.alpha, form: sae.aux_form } }),
        ...(sae.kind === "batch-top-k" && { momentum: sae.momentum }),
      };
  }
}
