import { rename, rm } from "node:fs/promises";
import path from "node:path";
import { npyHeader, rowStartType } from "./npy.js";
import type { LatentParts } from "./parts.js";
import { ZipWriter } from "./zip-writer.js";

/** Size of a sparse matrix. */
export interface MatrixSize {
  readonly rows: number;
  readonly dSae: number;
  readonly nnz: number;
}

export interface WriteOptions {
  readonly signal?: AbortSignal | undefined;
  /** Values of the matrix that were written. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

/**
 * Writes the parts as scipy's `save_npz` writes a CSR matrix [rows, d_sae], members stored: `indices` int32, `indptr` int32,
 * or int64 once the values pass 2³¹ − 1, `data` float32. The file appears when it is whole. Memory: some MB.
 */
export async function writeNpz(
  file: string,
  parts: Pick<LatentParts, "read">,
  size: MatrixSize,
  options: WriteOptions = {},
): Promise<void> {
  const draft = path.join(path.dirname(file), `.${path.basename(file)}.tmp`);
  const zip = await ZipWriter.create(draft);
  try {
    await member(
      zip,
      "indices.npy",
      npyHeader("<i4", [size.nnz]),
      4 * size.nnz,
      parts.read("latents"),
      options,
    );
    await rowStarts(zip, parts, size, options);
    await text(zip, "format.npy", "csr");
    await one(
      zip,
      "shape.npy",
      npyHeader("<i8", [2]),
      new BigInt64Array([BigInt(size.rows), BigInt(size.dSae)]),
    );
    await member(zip, "data.npy", npyHeader("<f4", [size.nnz]), 4 * size.nnz, parts.read("values"), {
      signal: options.signal,
    });
    await zip.finish();
    await rename(draft, file);
  } catch (error) {
    await zip.close().catch(() => {});
    await rm(draft, { force: true });
    throw error;
  }
}

async function member(
  zip: ZipWriter,
  name: string,
  header: Uint8Array,
  bytes: number,
  content: AsyncIterable<Uint8Array>,
  { signal, onProgress }: WriteOptions,
): Promise<void> {
  await zip.begin(name, header.length + bytes);
  await zip.write(header);
  let done = 0;
  for await (const piece of content) {
    signal?.throwIfAborted();
    await zip.write(piece);
    done += piece.length / 4;
    onProgress?.(done);
  }
}

async function one(zip: ZipWriter, name: string, header: Uint8Array, values: BigInt64Array): Promise<void> {
  const bytes = new Uint8Array(values.buffer);
  await zip.begin(name, header.length + bytes.length);
  await zip.write(header);
  await zip.write(bytes);
}

async function text(zip: ZipWriter, name: string, value: string): Promise<void> {
  const header = npyHeader(`|S${value.length}`, []);
  await zip.begin(name, header.length + value.length);
  await zip.write(header);
  await zip.write(Buffer.from(value, "latin1"));
}

/** Sums over the counts of the rows. */
async function rowStarts(
  zip: ZipWriter,
  parts: Pick<LatentParts, "read">,
  { rows, nnz }: MatrixSize,
  { signal }: WriteOptions,
): Promise<void> {
  const type = rowStartType(nnz);
  const header = npyHeader(type, [rows + 1]);
  const width = type === "<i4" ? 4 : 8;
  await zip.begin("indptr.npy", header.length + width * (rows + 1));
  await zip.write(header);
  await zip.write(new Uint8Array(width));
  let at = 0;
  for await (const piece of parts.read("counts")) {
    signal?.throwIfAborted();
    const counts = new Int32Array(piece.buffer, piece.byteOffset, piece.length / 4);
    const starts = width === 4 ? new Int32Array(counts.length) : new BigInt64Array(counts.length);
    for (let r = 0; r < counts.length; r++) {
      at += counts[r]!;
      starts[r] = width === 4 ? at : BigInt(at);
    }
    await zip.write(new Uint8Array(starts.buffer));
  }
}
