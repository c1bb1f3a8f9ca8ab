import type { LivePicture } from "../../../src/explorer/live/api.js";
import type { DataSource } from "./source.js";

/** A picture's active latents, row by row; a row is a patch, or CLS. See `LivePicture.rows`. */
export interface RowLatents {
  readonly rowStart: Int32Array;
  readonly latent: Int32Array;
  readonly value: Float32Array;
}

export interface Looked {
  readonly about: LivePicture;
  readonly latents: RowLatents;
}

/** `latents.bin`: little-endian, as typed arrays are on every machine that runs a browser. */
export function latentsOf(bytes: ArrayBuffer, rows: number): RowLatents {
  const rowStart = new Int32Array(bytes, 0, rows + 1);
  const n = rowStart[rows]!;
  const at = 4 * (rows + 1);
  return {
    rowStart,
    latent: new Int32Array(bytes, at, n),
    value: new Float32Array(bytes, at + 4 * n, n),
  };
}

export async function look(source: DataSource, view: string, id: string): Promise<Looked> {
  const at = `views/${view}/live/pictures/${id}`;
  const about = await source.json<LivePicture>(`${at}/picture.json`);
  return { about, latents: latentsOf(await source.bytes(`${at}/latents.bin`), about.rows) };
}

/** A latent over some rows. */
export interface Strength {
  readonly latent: number;
  /** Its mean over the rows, silent ones included. */
  readonly mean: number;
  readonly max: number;
  /** Rows in which it fires. */
  readonly fires: number;
}

/** Latents that fire in `rows`, strongest mean first. */
export function strongest({ rowStart, latent, value }: RowLatents, rows: readonly number[]): Strength[] {
  const found = new Map<number, { sum: number; max: number; fires: number }>();
  for (const r of rows) {
    for (let q = rowStart[r]!; q < rowStart[r + 1]!; q++) {
      const v = value[q]!;
      const at = found.get(latent[q]!);
      if (!at) found.set(latent[q]!, { sum: v, max: v, fires: 1 });
      else {
        at.sum += v;
        at.max = Math.max(at.max, v);
        at.fires++;
      }
    }
  }
  return [...found]
    .map(([j, { sum, max, fires }]) => ({ latent: j, mean: sum / rows.length, max, fires }))
    .sort((a, b) => b.mean - a.mean || a.latent - b.latent);
}

/** A latent's value in every row. */
export function valuesOf({ rowStart, latent, value }: RowLatents, wanted: number): Float32Array {
  const out = new Float32Array(rowStart.length - 1);
  for (let r = 0; r < out.length; r++) {
    for (let q = rowStart[r]!; q < rowStart[r + 1]!; q++) if (latent[q] === wanted) out[r] = value[q]!;
  }
  return out;
}
