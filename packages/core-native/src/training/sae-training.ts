import type { NativeSaeTraining } from "../native/sae.js";
import { type Activation, toNativeActivation } from "../sae/activation.js";
import type { EncoderInput } from "../sae/sparse-autoencoder.js";

/** AuxK: latents that have not fired for long reconstruct what the others leave over (Gao et al. 2024). */
export interface AuxKTraining {
  /** Dead latents that take part, per row: those with the largest pre-activations. Default 512. */
  readonly kAux?: number;
  /** Weight of the auxiliary loss. Default 1/32. */
  readonly alpha?: number;
  /**
   * `published`: mean((relu(a) W_dec − r)²), r = x − x̂ without gradient. `python-package`, as of March 2026: without
   * the ReLU, and b_dec is added to the reconstruction. Default `published`.
   */
  readonly form?: "published" | "python-package";
}

/** Matryoshka: the squared error is the mean over nested prefixes of the latents (Bussmann et al. 2025). */
export interface MatryoshkaTraining {
  /** Prefixes of a batch, d_sae among them. Default 10. */
  readonly nPrefixes?: number;
  /**
   * How lengths l are drawn: `published` p(l) ∝ √l − √(l − 1); `python-package`, as of March 2026, p(l) ∝
   * 1/√(l − 1) − 1/√l, mostly short ones. Default `published`.
   */
  readonly draw?: "published" | "python-package";
  /** Seed of the draws. Default 0. */
  readonly seed?: number;
  /** The same prefixes for every batch, ascending to d_sae, in place of drawn ones. */
  readonly prefixes?: readonly number[];
}

/** A learning rate that falls after its warm-up. */
export interface LearningRateSchedule {
  /** In a line, or as half a cosine. */
  readonly decay: "linear" | "cosine";
  /** Steps of the run, warm-up included; afterwards the learning rate is 0. */
  readonly nSteps: number;
}

/** How one SAE is trained. By default: ReLU latents, mean squared error plus L1, Adam (0.9, 0.999, 1e-8). */
export interface SaeTraining {
  /** Learning rate after warm-up. Default 4e-4. */
  readonly lr?: number;
  /** Steps over which the learning rate rises from 0; it is 0 in the first step. Default 500. */
  readonly nLrWarmup?: number;
  /** Weight of the penalty. Default 4e-4. */
  readonly sparsityCoeff?: number;
  /** Steps over which the penalty's weight rises from 0. Default 0: it is there in full from the start. */
  readonly nSparsityWarmup?: number;
  /** Warm-up of sparsity without effect, as in the Python package. Default false. */
  readonly legacySparsityWarmup?: boolean;
  /** Remove the part of W_dec's gradient along its rows. Default true. */
  readonly removeParallelGrads?: boolean;
  /** Keep W_dec's rows at unit norm. Default true. */
  readonly normalizeWDec?: boolean;
  /** From pre-activations to latents. Default ReLU. `threshold` is where BatchTopK's is found, not given. */
  readonly activation?: Activation;
  /** What the encoder sees: `centred` x − b_dec, `raw` x. Default `centred`. */
  readonly input?: EncoderInput;
  /** BatchTopK's threshold becomes (1 − momentum) · old + momentum · smallest positive value kept. Default 0.1. */
  readonly momentum?: number;
  /** Default: the whole reconstruction only. */
  readonly matryoshka?: MatryoshkaTraining;
  /** Default: no auxiliary loss. */
  readonly auxK?: AuxKTraining;
  /**
   * Activations without firing from which on a latent is dead. Default: 10 million with `auxK`, else dead latents are not
   * counted.
   */
  readonly deadThresholdTokens?: number;
  /**
   * What the penalty sums: `l1` |f| (of a gated SAE the gate's positive pre-activations), `l0` active latents (of a
   * jump-relu SAE), `tanh-l0` tanh(tanhScale · f). Default `l0` for jump-relu, else `l1`.
   */
  readonly penalty?: "l1" | "l0" | "tanh-l0";
  /** Default 4. */
  readonly tanhScale?: number;
  /** Of a jump-relu SAE: width of the window around a threshold in which pre-activations move it. Default 0.03. */
  readonly bandwidth?: number;
  /** Scale all gradients so that their total norm is at most this: by min(1, gradClip / (norm + 1e-6)). Default: not. */
  readonly gradClip?: number;
  /** After the warm-up the learning rate falls to 0 in `nSteps` steps. Default: it stays. */
  readonly schedule?: LearningRateSchedule;
  /** Muon: for W_enc and W_dec (Jordan et al. 2024, with Adam's scale), Adam for the rest. Default `adam`. */
  readonly optimizer?: "adam" | "muon";
  /**
   * Decoupled weight decay of W_enc and W_dec (AdamW, Loshchilov & Hutter 2019): before each update they lose this share,
   * times the learning rate. Default 0.
   */
  readonly weightDecay?: number;
  /**
   * `auto`: where few latents are active, products of 8-bit numbers find those that cannot be, and only the others are
   * computed in float32. `off`: all are. Both give the same bits. Default `auto`.
   */
  readonly screening?: "auto" | "off";
  /**
   * What the encoder's products multiply, with sums in float32. `bfloat16` rounds x (or x − b_dec) and W_enc to it, screens nothing,
   * and needs a CPU with AVX512-BF16 or AMX: without, adding the SAE throws `UNSUPPORTED`. Default `float32`.
   */
  readonly encoderPrecision?: "float32" | "bfloat16";
}

/** @internal */
export function toNativeTraining(training: SaeTraining): NativeSaeTraining {
  const { auxK, matryoshka } = training;
  return {
    lr: training.lr ?? 4e-4,
    nLrWarmup: training.nLrWarmup ?? 500,
    sparsityCoeff: training.sparsityCoeff ?? 4e-4,
    nSparsityWarmup: training.nSparsityWarmup ?? 0,
    legacySparsityWarmup: training.legacySparsityWarmup ?? false,
    removeParallelGrads: training.removeParallelGrads ?? true,
    normalizeWDec: training.normalizeWDec ?? true,
    decay: training.schedule?.decay ?? "constant",
    nSteps: training.schedule?.nSteps ?? 0,
    optimizer: training.optimizer ?? "adam",
    weightDecay: training.weightDecay ?? 0,
    penalty: training.penalty ?? (training.activation?.kind === "jump-relu" ? "l0" : "l1"),
    tanhScale: training.tanhScale ?? 4,
    bandwidth: training.bandwidth ?? 0.03,
    activation: toNativeActivation(training.activation ?? { kind: "relu" }),
    momentum: training.momentum ?? 0.1,
    centred: (training.input ?? "centred") === "centred",
    nPrefixes: matryoshka ? (matryoshka.nPrefixes ?? 10) : 1,
    prefixesAsPublished: (matryoshka?.draw ?? "published") === "published",
    prefixSeed: matryoshka?.seed ?? 0,
    prefixes: matryoshka?.prefixes ?? [],
    deadThresholdTokens: training.deadThresholdTokens ?? (auxK ? 10_000_000 : 0),
    kAux: auxK ? (auxK.kAux ?? 512) : 0,
    alpha: auxK?.alpha ?? 1 / 32,
    auxAsPublished: (auxK?.form ?? "published") === "published",
    gradClip: training.gradClip ?? 0,
    screening: training.screening ?? "auto",
    encoderPrecision: training.encoderPrecision ?? "float32",
  };
}
