import { SaevError } from "../errors.js";

/** Where our checkpoints' headers keep the sizes of Matryoshka groups. The Python package has no such field. */
export const groupSizesKey = "group_sizes";

/** For a header; nothing for an SAE without groups. */
export const groupSizesHeader = (sizes: readonly number[] | undefined): Record<string, unknown> =>
  sizes === undefined ? {} : { [groupSizesKey]: [...sizes] };

/** The prefixes that end with a group each: 2, 3, 5 of groups of 2, 1 and 2 latents. */
export function prefixesOfGroups(sizes: readonly number[]): readonly number[] {
  let end = 0;
  return sizes.map((size) => (end += size));
}

/**
 * Sizes of Matryoshka groups as a file has them: whole numbers above 0 that sum to d_sae.
 * @throws SaevError `BAD_FILE` for anything else.
 */
export function groupSizesOf(path: string, given: unknown, dSae: number): readonly number[] | undefined {
  if (given === undefined) return undefined;
  const fits = Array.isArray(given) && given.every((size) => Number.isSafeInteger(size) && size > 0);
  if (fits && given.reduce((sum: number, size: number) => sum + size, 0) === dSae) return given as number[];
  throw new SaevError(
    "BAD_FILE",
    `${path}: ${groupSizesKey}: expected whole numbers above 0 that sum to ${dSae}, found ${(JSON.stringify(given) ?? "").slice(0, 80)}`,
  );
}
