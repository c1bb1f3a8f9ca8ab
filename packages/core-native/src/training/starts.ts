import { dSae, type ResolvedTrain } from "@saev/config";
import { SaevError } from "../errors.js";
import type { BatchSource } from "../loading/batch-source.js";
import type { SaeTensors } from "../sae/tensors.js";
import { initialTensors, type RowSample, sampleActivations } from "./initial-tensors.js";

type SaeConfig = ResolvedTrain["sae"];

/** Where the SAEs of one pass start from. SAEs that ask for the same activations share one read of them. */
export class Starts {
  readonly #samples = new Map<string, RowSample>();

  constructor(
    private readonly source: BatchSource,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /**
   * The parameters that a config starts from; the caller disposes of them.
   * @throws SaevError `INVALID_ARGUMENT` when `n_reinit_samples` are more than there are, or 0 with a `reinit_blend`.
   */
  async of(sae: SaeConfig): Promise<SaeTensors> {
    const { n_reinit_samples: n, reinit_blend: share, seed } = sae;
    if (share > 0 && n === 0) {
      throw new SaevError(
        "INVALID_ARGUMENT",
        "sae.reinit_blend: rows of W_dec start from activations, but sae.n_reinit_samples = 0 reads none; raise it",
      );
    }
    const size = dSae(sae);
    const sample = n === 0 ? undefined : await this.#sample(n, share > 0 ? size : 0, seed);
    return initialTensors(sae.d_vit, size, {
      ...ownStart(sae),
      ...(sample && { bDec: sample.mean.narrow(0, 0, sae.d_vit) }),
      ...(sample && share > 0 && { blend: { ...sample, share } }),
    });
  }

  /** The same without a look at the activations, for what will be replaced; the caller disposes of them. */
  random(sae: SaeConfig): SaeTensors {
    return initialTensors(sae.d_vit, dSae(sae), ownStart(sae));
  }

  [Symbol.dispose](): void {
    for (const { mean, rows } of this.#samples.values()) {
      mean.dispose();
      rows.dispose();
    }
    this.#samples.clear();
  }

  async #sample(n: number, k: number, seed: number): Promise<RowSample> {
    const key = `${n} ${k} ${k > 0 ? seed : 0}`;
    const known = this.#samples.get(key);
    if (known) return known;
    this.source.reset();
    const sample = await sampleActivations(this.source, { n, k, seed, signal: this.signal });
    this.#samples.set(key, sample);
    return sample;
  }
}

/** What a kind's start has whatever the activations are. */
const ownStart = (sae: SaeConfig) => ({
  seed: sae.seed,
  tied: sae.tied,
  ...(sae.kind === "jump-relu" && { threshold: sae.threshold }),
  ...(sae.kind === "gated" && { gated: true }),
});
