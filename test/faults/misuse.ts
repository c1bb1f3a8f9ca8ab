import type { SaevErrorCode } from "@saev/core";
import { SparseAutoencoder, Tensor } from "@saev/core";
import { toSaevError } from "../../packages/core-native/src/errors.js";
import type { Addon } from "../../packages/core-native/src/native/addon.js";
import { callSync } from "../../packages/core-native/src/native/call.js";
import { addon } from "../../packages/core-native/src/native/load.js";

/** One wrong use of the library, and what it must come to. */
export interface Misuse {
  readonly what: string;
  /** May return a promise. */
  readonly run: () => unknown;
  /** A SaevError with one of these codes, the signal's own reason, or no error at all. */
  readonly ends: readonly SaevErrorCode[] | "reason" | "quietly";
}

/** A value that TypeScript would not let through. */
export const wrong = <T>(value: unknown): T => value as T;

/** A float32 tensor of ones, or of `value`. */
export const ones = (shape: readonly number[] = [2, 3], value = 1): Tensor =>
  Tensor.from(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value), shape);

/** A tensor that was disposed. */
export function gone(): Tensor {
  const tensor = ones();
  tensor.dispose();
  return tensor;
}

export const smallSae = (): SparseAutoencoder =>
  SparseAutoencoder.from({ wEnc: ones([2, 3]), bEnc: ones([3]), wDec: ones([3, 2]), bDec: ones([2]) });

export const aborted = (): AbortSignal => AbortSignal.abort(new Error("the caller's reason"));

/** A raw call to the addon, past every check of TypeScript; errors are translated as the library does. */
export function raw<T>(call: (native: Addon) => T): T {
  const answer = callSync(() => call(addon()));
  if (!(answer instanceof Promise)) return answer;
  return answer.catch((error) => {
    throw toSaevError(error);
  }) as T;
}
