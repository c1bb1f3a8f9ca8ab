import { open } from "node:fs/promises";
import { SaevError } from "../errors.js";
import type { LongCallOptions } from "../native/call.js";
import type { Tensor } from "../tensor.js";
import { type NamedTensors, TensorFile, writeTensors } from "./tensor-file.js";

/** The longest line of JSON that is looked for. Real ones have some hundred bytes. */
const maxHeaderBytes = 1 << 20;
/** The header is padded to this, so that the tensors behind it are aligned when mapped. */
const alignment = 64;
/** Fields of the Python package's config that are floats, where they are written as whole numbers. */
const floats = /("(?:reinit_blend|coeff|alpha|momentum|sparsity_coeff)":-?\d+)(?=[,}])/g;

/** A checkpoint `sae.pt`: one line of JSON, then a torch archive. */
export interface SaeFile {
  /** The line, parsed; what its fields mean is the reader's business. */
  readonly header: Readonly<Record<string, unknown>>;
  /** By name, in the order of the file. Dispose them when done. */
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/**
 * Reads a checkpoint of the Python package or of ours.
 * @throws SaevError `BAD_FILE` when the first line is no JSON object or the archive is damaged, `NOT_FOUND`, `IO`.
 */
export async function readSaeFile(path: string, options?: LongCallOptions): Promise<SaeFile> {
  const { header, end } = await readHeader(path);
  using file = await TensorFile.open(path, { ...options, offset: end });
  const tensors = new Map<string, Tensor>();
  for (const name of file.names()) tensors.set(name, file.get(name));
  return { header, tensors };
}

/**
 * Writes a checkpoint that the Python package and `torch.load(weights_only=True)` read. It appears under its name only
 * when it is whole and on disk.
 */
export async function writeSaeFile(
  path: string,
  header: Readonly<Record<string, unknown>>,
  tensors: NamedTensors,
  options?: LongCallOptions,
): Promise<void> {
  // The Python package checks types: where it expects a float, it refuses 0 and takes 0.0.
  const json = JSON.stringify(header).replace(floats, "$1.0");
  const length = Buffer.byteLength(json) + 1;
  const padding = " ".repeat((alignment - (length % alignment)) % alignment);
  await writeTensors(path, tensors, { ...options, ordered: true, header: `${json}${padding}\n` });
}

async function readHeader(path: string): Promise<{ header: Record<string, unknown>; end: number }> {
  const line = await firstLine(path);
  const expected = `${path}: expected an SAE checkpoint, which begins with a line of JSON`;
  if (line === undefined) throw new SaevError("BAD_FILE", `${expected}; found no line`);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(line));
  } catch (cause) {
    throw new SaevError("BAD_FILE", `${expected}; found something else`, { cause });
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) {
    throw new SaevError("BAD_FILE", `${expected} object; found ${JSON.stringify(header).slice(0, 40)}`);
  }
  return { header: header as Record<string, unknown>, end: line.length + 1 };
}

/** The bytes before the first newline, or undefined when there is none within the limit. */
async function firstLine(path: string): Promise<Uint8Array | undefined> {
  const file = await open(path).catch((cause: NodeJS.ErrnoException) => {
    throw new SaevError(
      cause.code === "ENOENT" ? "NOT_FOUND" : "IO",
      `cannot read ${path}: ${cause.message}`,
      {
        cause,
      },
    );
  });
  try {
    const stat = await file.stat();
    if (!stat.isFile())
      throw new SaevError("BAD_FILE", `${path} is no regular file; expected an SAE checkpoint`);
    const bytes = new Uint8Array(Math.min(stat.size, maxHeaderBytes));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    const end = bytes.subarray(0, bytesRead).indexOf(10);
    return end < 0 ? undefined : bytes.subarray(0, end);
  } finally {
    await file.close();
  }
}
