/** A decoded picture: what Pillow's `open(path).convert("RGB")` holds. */
export interface Pixels {
  /** 3 bytes a pixel (red, green, blue), row by row from the top left. */
  readonly data: Uint8Array;
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}
