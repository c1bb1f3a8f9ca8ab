import { readFileSync } from "node:fs";
import path from "node:path";
import type { ResolvedTrain } from "@saev/config";
import { SaevError } from "../errors.js";
import { writeText } from "../io/write-text.js";
import { numpyPermutation } from "../loading/numpy-permutation.js";

/** Which images a training sets aside. They depend on `val_fraction`, `val_seed` and which images there are, on nothing else. */
export interface HeldOut {
  /** Numbers of the dataset's images, ascending. */
  readonly images: readonly number[];
  /** The share and the seed that chose them, and of how many. */
  readonly fraction: number;
  readonly seed: number;
  readonly of: number;
}

type Asked = Pick<ResolvedTrain, "val_fraction" | "val_seed">;

/** How many of `n` images are set aside: the share, rounded, at least one where any are asked for. */
export const heldOutCount = (n: number, fraction: number): number =>
  fraction > 0 ? Math.max(1, Math.round(n * fraction)) : 0;

/**
 * Sets images aside.
 * @param there numbers of the images that there are, ascending.
 * @throws SaevError `INVALID_ARGUMENT` where none would be left to train on.
 */
export async function holdOut(
  there: readonly number[],
  { val_fraction: fraction, val_seed: seed }: Asked,
  signal?: AbortSignal,
): Promise<HeldOut | undefined> {
  const of = there.length;
  const n = heldOutCount(of, fraction);
  if (n === 0) return undefined;
  if (n >= of) {
    throw new SaevError(
      "INVALID_ARGUMENT",
      `val_fraction: ${fraction} of ${of} image${of === 1 ? "" : "s"} leaves none to train on; record more, or set none aside`,
    );
  }
  return { images: await drawImages(there, n, seed, signal), fraction, seed, of };
}

/**
 * `n` of some images, ascending: always the same for a seed, and all of a smaller `n` among those of a larger one.
 * `images` themselves where there are no more.
 */
export async function drawImages(
  images: readonly number[],
  n: number,
  seed: number,
  signal?: AbortSignal,
): Promise<readonly number[]> {
  if (n >= images.length) return images;
  using drawn = await numpyPermutation(seed, images.length, { count: n, signal });
  return Array.from(drawn.toTypedArray() as BigInt64Array, (i) => images[Number(i)]!).sort((a, b) => a - b);
}

/** `0 … n − 1` without some, ascending. */
export function imagesWithout(n: number, without: Iterable<number>): number[] {
  const gone = new Set(without);
  return Array.from({ length: n }, (_, i) => i).filter((i) => !gone.has(i));
}

const file = "held-out.json";

/** Writes down in a run's folder what it sets aside. @throws SaevError `IO`. */
export async function writeHeldOut(dir: string, { of, fraction, seed, images }: HeldOut): Promise<void> {
  await writeText(path.join(dir, file), `${JSON.stringify({ of, fraction, seed, images })}\n`);
}

/**
 * What a run's folder says that it sets aside; `undefined` where it sets nothing aside.
 * @throws SaevError `BAD_FILE`, `IO`.
 */
export function readHeldOut(dir: string): HeldOut | undefined {
  const at = path.join(dir, file);
  let text: string;
  try {
    text = readFileSync(at, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new SaevError("IO", `cannot read ${at}: ${(cause as Error).message}`, { cause });
  }
  const whole = (v: unknown): v is number => Number.isSafeInteger(v) && (v as number) >= 0;
  try {
    const found = JSON.parse(text) as HeldOut;
    const { images, of } = found;
    const ascending = images.every((image, i) => whole(image) && image > (images[i - 1] ?? -1));
    if (whole(of) && images.length > 0 && ascending) return found;
  } catch {
    // said below
  }
  throw new SaevError(
    "BAD_FILE",
    `${at}: expected the images that a run sets aside, found ${text.slice(0, 60)}`,
  );
}
