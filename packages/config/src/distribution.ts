import { exp, log, normalQuantile } from "./exact-math.js";
import { sha256 } from "./sha256.js";

/**
 * A value to draw, as it is written in TOML and JSON too: a table with one of these five keys and no other.
 *
 * - `uniform = [low, high]`: a number between the two.
 * - `log_uniform = [low, high]`: a number whose logarithm is uniform; both above 0.
 * - `int_uniform = [low, high]`: an integer, both ends included.
 * - `choice = [a, b, …]`: one of the values, each as likely.
 * - `normal = [mean, std]`: a normally distributed number.
 */
export type Distribution =
  | { readonly uniform: readonly [low: number, high: number] }
  | { readonly log_uniform: readonly [low: number, high: number] }
  | { readonly int_uniform: readonly [low: number, high: number] }
  | { readonly choice: readonly unknown[] }
  | { readonly normal: readonly [mean: number, std: number] };

/** Draws a number between `low` and `high`. */
export const uniform = (low: number, high: number): Distribution => ({ uniform: [low, high] });

/** Draws a number between `low` and `high`, uniform in its logarithm. */
export const logUniform = (low: number, high: number): Distribution => ({ log_uniform: [low, high] });

/** Draws an integer from `low` to `high`, both included. */
export const intUniform = (low: number, high: number): Distribution => ({ int_uniform: [low, high] });

/** Draws one of `values`. */
export const choice = (values: readonly unknown[]): Distribution => ({ choice: values });

/** Draws a normally distributed number. */
export const normal = (mean: number, std: number): Distribution => ({ normal: [mean, std] });

/** The names of the distributions, as they are written. */
export const distributionNames = ["uniform", "log_uniform", "int_uniform", "choice", "normal"] as const;
export type DistributionName = (typeof distributionNames)[number];

/** Which distribution a value is, going by its one key; its parameters may still be wrong. */
export function isDistribution(value: unknown): value is Distribution {
  return distributionName(value) !== undefined;
}

export function distributionName(value: unknown): DistributionName | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const keys = Object.keys(value);
  return keys.length === 1 ? distributionNames.find((name) => name === keys[0]) : undefined;
}

/** What is wrong with a distribution's parameters: what is expected of them, or undefined when nothing is. */
export function wrongParameters(distribution: Distribution): string | undefined {
  const [name, parameters] = Object.entries(distribution)[0] as [DistributionName, unknown];
  if (name === "choice") {
    return Array.isArray(parameters) && parameters.length > 0
      ? undefined
      : "choice = a list of at least one value";
  }
  const [a, b] =
    Array.isArray(parameters) && parameters.length === 2 ? (parameters as [unknown, unknown]) : [];
  const numbers = Number.isFinite(a) && Number.isFinite(b);
  const [low, high] = [a as number, b as number];
  switch (name) {
    case "uniform":
      return numbers && low < high && Number.isFinite(high - low)
        ? undefined
        : "uniform = [low, high] with low < high";
    case "log_uniform":
      return numbers && 0 < low && low < high ? undefined : "log_uniform = [low, high] with 0 < low < high";
    case "int_uniform":
      return Number.isSafeInteger(a) &&
        Number.isSafeInteger(b) &&
        low <= high &&
        Number.isSafeInteger(high - low + 1)
        ? undefined
        : "int_uniform = [low, high], two integers with low <= high";
    case "normal":
      return numbers && high > 0 ? undefined : "normal = [mean, std] with std > 0";
  }
}

/** Which draw of a random search this is. */
export interface Draw {
  /** The search's seed. */
  readonly seed: number;
  /** Number of the combination of lists, from 0. */
  readonly point: number;
  /** Number of the sample at that combination, from 0. */
  readonly sample: number;
  /** The field's path, e.g. "sae.exp_factor". */
  readonly path: string;
}

/**
 * A uniform number in (0, 1): (k + ½) / 2^53, k the top 53 bits of SHA-256 of the text `seed/point/sample/path`.
 *
 * A hash of a counter instead of a generator with state: the value of one field depends on no other field, and
 * raising n_samples or adding a distribution keeps the values that were there. In Python:
 * `((int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 11) + 0.5) / 2**53`.
 */
export function uniformBits(draw: Draw): number {
  const text = `${draw.seed}/${draw.point}/${draw.sample}/${draw.path}`;
  const bits = sha256(text).readBigUInt64BE(0) >> 11n;
  // k + ½ needs 54 bits; for the upper half the sum rounds to even, so 1 itself could come out and is kept below.
  return Math.min((Number(bits) + 0.5) / 2 ** 53, 1 - 2 ** -53);
}

/**
 * The value of a distribution at a draw, the same bits on every machine: only operations that IEEE 754 rounds in one
 * way are used (see exact-math.ts). The distribution's parameters must be right (`wrongParameters`).
 */
export function drawFrom(distribution: Distribution, draw: Draw): unknown {
  const u = uniformBits(draw);
  if ("uniform" in distribution) {
    const [low, high] = distribution.uniform;
    return between(low, low + u * (high - low), high);
  }
  if ("log_uniform" in distribution) {
    const [low, high] = distribution.log_uniform;
    return between(low, exp(log(low) + u * (log(high) - log(low))), high);
  }
  if ("int_uniform" in distribution) {
    const [low, high] = distribution.int_uniform;
    return Math.min(low + Math.floor(u * (high - low + 1)), high);
  }
  if ("choice" in distribution) {
    const { choice: values } = distribution;
    return values[Math.floor(u * values.length)];
  }
  const [mean, std] = distribution.normal;
  return mean + std * normalQuantile(u);
}

/** Rounding may step over an end. */
const between = (low: number, x: number, high: number): number => Math.min(Math.max(x, low), high);
