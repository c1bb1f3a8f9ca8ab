import { type Option, text } from "../argv/option.js";
import { UsageError } from "../errors.js";

/** Raises or lowers the limit on the size of pictures. */
export const maxMegapixels: Option = {
  ...text(
    "max-megapixels",
    "N",
    "a number above 0",
    "Refuse images of more than N million pixels before their memory is taken; default 100, or SAEV_MAX_MEGAPIXELS.",
  ),
  type: "float",
};

/** The limit in pixels; undefined where none is given. @throws UsageError for 0 and less. */
export function maxPixelsOf(command: string, options: ReadonlyMap<string, unknown>): number | undefined {
  const given = options.get(maxMegapixels.path) as number | undefined;
  if (given === undefined) return undefined;
  if (!(given > 0) || !Number.isFinite(given))
    throw new UsageError(command, [`--max-megapixels: expected ${maxMegapixels.expected}, found ${given}`]);
  return Math.floor(given * 1e6);
}
