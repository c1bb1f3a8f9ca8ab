/** Parameters of our SAE beside those that a peer has written. */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Trainer } from "@saev/core";

/**
 * Parameters after the last step. Adam's first steps act like a sign, so an entry whose gradient is a rounding error, or a
 * latent that is active in one of the two only, may move by up to twice the sum of the learning rates: such entries must be
 * very few.
 * @param moved the largest distance that one parameter can have gone.
 * @param without latents whose parameters need only be within that.
 * @param few the share of the others that may differ by more than 1e-5.
 */
export function compareParameters(
  trainer: Trainer,
  folder: string,
  moved: number,
  without: ReadonlySet<number> = new Set(),
  few = 1e-3,
): string {
  const t = trainer.tensors(0);
  let worst = 0;
  let off = 0;
  let n = 0;
  const [dSae, dVit] = t.wDec.shape as [number, number];
  const none = () => -1;
  for (const [name, tensor, latent] of [
    ["W_enc", t.wEnc, (i: number) => i % dSae],
    ["b_enc", t.bEnc, (i: number) => i],
    ["W_dec", t.wDec, (i: number) => Math.floor(i / dVit)],
    ["b_dec", t.bDec, none],
  ] as const) {
    const bytes = readFileSync(path.join(folder, `${name}.after.bin`));
    const theirs = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    const ours = tensor.toFloat32Array();
    tensor.dispose();
    for (let i = 0; i < ours.length; i++) {
      const d = Math.abs((ours[i] as number) - (theirs[i] as number));
      if (!(d <= worst)) worst = d;
      if (without.size > 0 && without.has(latent(i))) continue;
      if (!(d <= 1e-5)) off++;
      n++;
    }
  }
  if (!(worst <= 2.2 * moved) || off > few * n)
    throw new Error(`parameters differ by up to ${worst}, ${off} of ${n} by more than 1e-5`);
  return `losses agree within 1e-5 relative; ${off} of ${n} parameters differ by more than 1e-5, the largest difference is ${worst.toExponential(1)}`;
}
