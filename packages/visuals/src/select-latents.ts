import type { Visuals } from "@saev/config";
import { SaevError } from "@saev/core";
import { PythonRandom } from "./python-random.js";

const f32 = Math.fround;

/** One latent's place in the ranges that choose what is shown. */
export interface LatentLogs {
  /** log10 of the firing frequency, float32. */
  readonly log10Freq: number;
  /** log10 of the mean value when firing, float32. */
  readonly log10Value: number;
}

/**
 * Logarithms of a latent's frequency and mean value. `epsilon` is added first, and a latent that never fires has the
 * mean value 0, so that both are finite for every latent (unless `epsilon` is 0).
 *
 * The Python package adds nothing: there a silent latent has −Infinity and NaN; `legacy` does the same.
 */
export function latentLogs(
  frequency: number,
  meanValue: number,
  epsilon: number,
  legacy = false,
): LatentLogs {
  const add = legacy ? 0 : f32(epsilon);
  const mean = !legacy && Number.isNaN(meanValue) ? 0 : meanValue;
  return {
    log10Freq: f32(Math.log10(f32(f32(frequency) + add))),
    log10Value: f32(Math.log10(f32(f32(mean) + add))),
  };
}

/** What chooses latents in a Visuals config. */
export type SelectionOptions = Pick<
  Visuals,
  "include_latents" | "log_freq_range" | "log_value_range" | "n_latents" | "seed" | "epsilon"
>;

/**
 * The latents to show, in order: `include_latents` whatever their statistics, then up to `n_latents` of those whose
 * log10 frequency and log10 mean value lie strictly inside the ranges, in the order that Python's
 * `random.seed(seed); random.shuffle(indices)` gives.
 *
 * No latent comes twice; in the Python package (`legacy`) one that is included may.
 * @param sparsity firing frequency `[d_sae]`.
 * @param meanValues mean value when firing `[d_sae]`, NaN when never.
 * @throws SaevError `INVALID_ARGUMENT` when an included latent does not exist.
 */
export function selectLatents(
  sparsity: Float32Array,
  meanValues: Float32Array,
  options: SelectionOptions,
  { legacy = false } = {},
): number[] {
  const dSae = sparsity.length;
  for (const latent of options.include_latents) {
    if (latent >= dSae) {
      throw new SaevError(
        "INVALID_ARGUMENT",
        `include_latents: this SAE has latents 0 to ${dSae - 1}, found ${latent}`,
      );
    }
  }
  const inside = (x: number, [lo, hi]: readonly [number, number]) => f32(lo) < x && x < f32(hi);
  const chosen: number[] = [];
  for (let latent = 0; latent < dSae; latent++) {
    const logs = latentLogs(sparsity[latent]!, meanValues[latent]!, options.epsilon, legacy);
    if (inside(logs.log10Freq, options.log_freq_range) && inside(logs.log10Value, options.log_value_range)) {
      chosen.push(latent);
    }
  }
  new PythonRandom(options.seed).shuffle(chosen);
  if (legacy) return [...options.include_latents, ...chosen.slice(0, options.n_latents)];
  const included = [...new Set(options.include_latents)];
  const others = chosen.filter((latent) => !included.includes(latent));
  return [...included, ...others.slice(0, options.n_latents)];
}
