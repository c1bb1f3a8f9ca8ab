import type { NativeActivation } from "../native/sae.js";

/** Latents f = h where h > 0. */
export interface ReluActivation {
  readonly kind: "relu";
}

/** Latents f = h where h is among the `topK` largest of its row (Gao et al. 2024); equal values: the lower latent. */
export interface TopKActivation {
  readonly kind: "top-k";
  readonly topK: number;
  /** Kept values below 0 become 0, as published. `false`: they stay, as in the Python package. Default true. */
  readonly relu?: boolean;
}

/**
 * In training f = h where h is among the `topK` · rows largest of the batch (Bussmann et al. 2024); else f = h where h is
 * above `threshold` and above 0.
 */
export interface BatchTopKActivation {
  readonly kind: "batch-top-k";
  /** Latents kept per row, on average over the batch. */
  readonly topK: number;
  /** Values below 0 are not kept in training, as published. `false`: they may be. Default true. */
  readonly relu?: boolean;
  /** Running mean of the smallest positive value kept in training. Default 0. */
  readonly threshold?: number;
}

/** Latents f = h where h exceeds the latent's `threshold`, one of the SAE's tensors (Rajamanoharan et al. 2024b). */
export interface JumpReluActivation {
  readonly kind: "jump-relu";
}

/**
 * Latents f = relu(e^r (h − b_enc) + b_mag) where h > 0, with r and b_mag of each latent among the SAE's tensors
 * (Rajamanoharan et al. 2024a).
 */
export interface GatedActivation {
  readonly kind: "gated";
}

/** From pre-activations h to latents f. */
export type Activation =
  | ReluActivation
  | TopKActivation
  | BatchTopKActivation
  | JumpReluActivation
  | GatedActivation;

/** @internal */
export function toNativeActivation(activation: Activation): NativeActivation {
  const { kind } = activation;
  if (kind !== "top-k" && kind !== "batch-top-k")
    return { selection: kind, topK: 0, relu: true, threshold: 0 };
  const threshold = kind === "batch-top-k" ? (activation.threshold ?? 0) : 0;
  return { selection: kind, topK: activation.topK, relu: activation.relu ?? true, threshold };
}

/** @internal */
export function fromNativeActivation(native: NativeActivation): Activation {
  const { topK, relu, threshold } = native;
  if (native.selection === "top-k") return { kind: "top-k", topK, relu };
  if (native.selection === "batch-top-k") return { kind: "batch-top-k", topK, relu, threshold };
  return { kind: native.selection as "relu" | "jump-relu" | "gated" };
}
