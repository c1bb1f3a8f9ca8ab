import { SaevError } from "../errors.js";

/** Sizes of some data. */
export interface DataSizes {
  readonly nImages: number;
  readonly rowsPerImage: number;
  readonly dVit: number;
}

/** Bytes of a live buffer where its rows are left open. */
const defaultBytes = 1e9;

/** Rows of a buffer: those that are asked for, or 1 GB of them for 0. */
export const bufferRows = (rows: number, dVit: number): number =>
  rows > 0 ? rows : Math.floor(defaultBytes / (dVit * Float32Array.BYTES_PER_ELEMENT));

/**
 * How many images are shuffled together so that a buffer holds them: all of them where they fit, else half of the buffer, as the
 * next block is filled while one is read. 0 is all.
 * @param buffer rows; 0: as {@link bufferRows}.
 * @throws SaevError `INVALID_ARGUMENT` for a buffer that does not hold two images.
 */
export function imagesPerBlock(buffer: number, { nImages, rowsPerImage, dVit }: DataSizes): number {
  const rows = bufferRows(buffer, dVit);
  if (nImages * rowsPerImage <= rows) return 0;
  const images = Math.floor(rows / 2 / rowsPerImage);
  if (images >= 1) return images;
  throw new SaevError(
    "INVALID_ARGUMENT",
    `buffer: ${rows} rows are fewer than two images have, ${2 * rowsPerImage}; give it at least those`,
  );
}
