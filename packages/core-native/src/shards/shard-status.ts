import { SaevError } from "../errors.js";

/** What we know of a shard folder beyond the Python package's files: our own `saev.json`. */
export interface ShardStatus {
  readonly complete: boolean;
  /** Images `[0, imagesDone)` are on disk. */
  readonly imagesDone: number;
  /** Images that could not be read, ascending; stored as zeros. */
  readonly holes: readonly number[];
  /** What the model's products multiplied. */
  readonly computeDtype: "float32" | "bfloat16";
}

/** Reads the text of a `saev.json`. @throws SaevError `BAD_FILE` for anything the recorder does not write. */
export function parseShardStatus(text: string, file: string, nImgs: number): ShardStatus {
  const bad = (what: string) =>
    new SaevError("BAD_FILE", `${file}: ${what}; delete this file to record the folder anew`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw bad(`expected JSON, found ${(error as Error).message}`);
  }
  const {
    format,
    status,
    images_done: done,
    holes,
    compute_dtype: computeDtype = "float32",
  } = (value ?? {}) as Record<string, unknown>;
  if (format !== 1) throw bad(`expected format 1, found ${JSON.stringify(format)}`);
  if (status !== "complete" && status !== "recording") throw bad('expected status "complete" or "recording"');
  const isImage = (x: unknown, limit: number): x is number =>
    Number.isInteger(x) && (x as number) >= 0 && (x as number) < limit;
  if (!isImage(done, nImgs + 1)) throw bad(`expected images_done between 0 and ${nImgs}`);
  const ascending =
    Array.isArray(holes) && holes.every((hole, i) => isImage(hole, done) && (i === 0 || holes[i - 1] < hole));
  if (!ascending) throw bad("expected holes to be ascending numbers of recorded images");
  if (computeDtype !== "float32" && computeDtype !== "bfloat16")
    throw bad('expected compute_dtype "float32" or "bfloat16"');
  return { computeDtype, complete: status === "complete", imagesDone: done, holes };
}
