import { open, rename, rm } from "node:fs/promises";
import path from "node:path";
import type { Evaluation } from "../evaluation/figures.js";
import type { LatentParts } from "./parts.js";
import type { WriteOptions } from "./write-npz.js";

/** How the rows of the matrix lie: image by image, in it layer by layer, in it patch by patch. */
export interface RowLayout {
  /** Recorded layers by number where rows are of several, else none. */
  readonly layers: readonly number[];
  /** Rows of an image and layer: its patches; 1 for CLS tokens and means. */
  readonly patches: number;
  /** Whether rows are patches: otherwise there is no column of them. */
  readonly ofPatches: boolean;
}

/** Values of a row group. */
const groupSize = 1 << 20;

/**
 * Writes the active latents as a table of one line each: `image`, `layer` where rows are of several, `patch` where rows
 * are patches, `latent`, `value`; in the order of the matrix, with the smallest and largest of each row group, so that
 * readers skip what they do not want. The file appears when it is whole. Memory: one row group.
 */
export async function writeActsParquet(
  file: string,
  parts: Pick<LatentParts, "read">,
  rows: RowLayout,
  options: WriteOptions = {},
): Promise<void> {
  await atomically(file, async (draft) => {
    const { fileWriter, ParquetWriter } = await import("hyparquet-writer");
    const names = [
      "image",
      ...(rows.layers.length > 0 ? ["layer"] : []),
      ...(rows.ofPatches ? ["patch"] : []),
      "latent",
    ];
    const schema = [
      { name: "root", num_children: names.length + 1 },
      ...names.map((name) => ({ name, type: "INT32", repetition_type: "REQUIRED" }) as const),
      { name: "value", type: "FLOAT", repetition_type: "REQUIRED" } as const,
    ];
    const writer = new ParquetWriter({
      writer: fileWriter(draft),
      schema,
      codec: "UNCOMPRESSED",
      createdBy: "saev",
    });
    const values = pieces(parts.read("values"));
    const latents = pieces(parts.read("latents"));
    let done = 0;
    for await (const { row } of expandedRows(parts.read("counts"))) {
      options.signal?.throwIfAborted();
      const of = placesOf(row, rows);
      const columns = [
        { name: "image", data: of.image, encoding: "DELTA_BINARY_PACKED" },
        ...(rows.layers.length > 0
          ? [{ name: "layer", data: of.layer, encoding: "DELTA_BINARY_PACKED" }]
          : []),
        ...(rows.ofPatches ? [{ name: "patch", data: of.patch, encoding: "DELTA_BINARY_PACKED" }] : []),
        { name: "latent", data: new Int32Array(await latents(row.length)), encoding: "PLAIN" },
        { name: "value", data: new Float32Array(await values(row.length)), encoding: "PLAIN" },
      ];
      await writer.write({ columnData: columns as never, rowGroupSize: groupSize });
      done += row.length;
      options.onProgress?.(done);
    }
    writer.finish();
  });
}

/** Writes a table of one line a latent: `latent`, `firings`, `frequency`, `mean_value` (null where it never fired), `max_value`. */
export async function writeLatentsParquet(file: string, e: Evaluation): Promise<void> {
  await atomically(file, async (draft) => {
    const { fileWriter, ParquetWriter } = await import("hyparquet-writer");
    const means = Array.from(e.meanValues.toFloat32Array(), (v) => (Number.isNaN(v) ? null : v));
    const schema = [
      { name: "root", num_children: 5 },
      { name: "latent", type: "INT32", repetition_type: "REQUIRED" },
      { name: "firings", type: "INT64", repetition_type: "REQUIRED" },
      { name: "frequency", type: "FLOAT", repetition_type: "REQUIRED" },
      { name: "mean_value", type: "FLOAT", repetition_type: "OPTIONAL" },
      { name: "max_value", type: "FLOAT", repetition_type: "REQUIRED" },
    ] as const;
    const writer = new ParquetWriter({ writer: fileWriter(draft), schema: [...schema], createdBy: "saev" });
    writer.write({
      columnData: [
        { name: "latent", data: Int32Array.from(means.keys()) },
        { name: "firings", data: e.firings.toTypedArray() as BigInt64Array },
        { name: "frequency", data: e.freqs.toFloat32Array() },
        { name: "mean_value", data: means },
        { name: "max_value", data: e.maxValues.toFloat32Array() },
      ],
    });
    writer.finish();
  });
}

async function atomically(file: string, write: (draft: string) => Promise<void>): Promise<void> {
  const draft = path.join(path.dirname(file), `.${path.basename(file)}.tmp`);
  try {
    await write(draft);
    const handle = await open(draft, "r+");
    await handle.sync();
    await handle.close();
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** The row of each value, in groups of `groupSize` values. */
async function* expandedRows(counts: AsyncIterable<Uint8Array>): AsyncGenerator<{ row: Float64Array }> {
  let group = new Float64Array(groupSize);
  let filled = 0;
  let row = 0;
  for await (const piece of counts) {
    for (const count of new Int32Array(piece.buffer, piece.byteOffset, piece.length / 4)) {
      for (let left = count; left > 0; ) {
        const n = Math.min(left, groupSize - filled);
        group.fill(row, filled, filled + n);
        filled += n;
        left -= n;
        if (filled === groupSize) {
          yield { row: group };
          group = new Float64Array(groupSize);
          filled = 0;
        }
      }
      row++;
    }
  }
  if (filled > 0) yield { row: group.subarray(0, filled) };
}

function placesOf(row: Float64Array, { layers, patches }: RowLayout) {
  const image = new Int32Array(row.length);
  const layer = new Int32Array(layers.length > 0 ? row.length : 0);
  const patch = new Int32Array(row.length);
  const groups = Math.max(1, layers.length);
  for (let i = 0; i < row.length; i++) {
    const group = Math.floor(row[i]! / patches);
    patch[i] = row[i]! - group * patches;
    image[i] = Math.floor(group / groups);
    if (layers.length > 0) layer[i] = layers[group % groups]!;
  }
  return { image, layer, patch };
}

/** Takes a stream of 4-byte values in pieces of any size: copies, as an ArrayBuffer. */
function pieces(stream: AsyncGenerator<Uint8Array>): (n: number) => Promise<ArrayBuffer> {
  let left: Uint8Array = new Uint8Array();
  return async (n) => {
    const out = new Uint8Array(4 * n);
    for (let at = 0; at < out.length; ) {
      if (left.length === 0) {
        const next = await stream.next();
        if (next.done === true) throw new RangeError("the parts of the matrix are of different lengths");
        left = next.value;
      }
      const taken = left.subarray(0, out.length - at);
      out.set(taken, at);
      at += taken.length;
      left = left.subarray(taken.length);
    }
    return out.buffer;
  };
}
