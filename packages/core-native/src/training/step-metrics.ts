/** One SAE's figures of one step, before its update. */
export interface SaeStepMetrics {
  /** mse + sparsity + aux. */
  readonly loss: number;
  /** Mean over prefixes, rows and dimensions of (x̂ − x)². */
  readonly mse: number;
  /** sparsityCoeff · l1. */
  readonly sparsity: number;
  /** Mean over rows of the number of active latents. */
  readonly l0: number;
  /** Mean over rows of Σ |f|. */
  readonly l1: number;
  /** l0 / d_sae. */
  readonly density: number;
  /** Learning rate used in this step. */
  readonly lr: number;
  /** Weight of the penalty used in this step. */
  readonly sparsityCoeff: number;
  /** Auxiliary loss, alpha included. */
  readonly aux: number;
  /** Dead latents, where they are counted. */
  readonly nDead: number;
  /** BatchTopK's threshold after this step's forward pass. */
  readonly threshold: number;
  /** Norm of all gradients before clipping; 0 where they are not clipped. */
  readonly gradNorm: number;
  /** Fraction of pairs (row, latent) computed in float32 after a screen; −1 where all of them were. */
  readonly screened: number;
  /** Whether its loss was not finite, now or in an earlier step: it makes no more steps, and the other figures mean nothing. */
  readonly dropped: boolean;
  /** Matryoshka prefixes used; empty without. */
  readonly prefixes: readonly number[];
}
