import { type FileHandle, mkdir, open, readFile, rm, stat } from "node:fs/promises";
import path from "node:path";
import { SaevError } from "../errors.js";
import { writeText } from "../io/write-text.js";

/** How far the encoding of a dataset has come. Everything that it counts is on disk. */
export interface LatentsState {
  readonly format: 1;
  /** What is encoded and how, as text: a state is gone on with by the same job only. */
  readonly job: string;
  /** Rows of the matrix that are done. */
  readonly rows: number;
  /** Their active latents. */
  readonly nnz: number;
  /** Activations read, and where the loader stands; empty at the end. */
  readonly activations: number;
  readonly loader: string;
  /** Sums of the evaluation, float64, in base64. */
  readonly sums: string;
}

/** The columns of a sparse matrix as they are appended: 4 bytes an entry each. */
const columns = { counts: "counts.i32", latents: "latents.i32", values: "values.f32" } as const;
type Column = keyof typeof columns;

/** What one block of rows adds. */
export interface RowBlock {
  /** Active latents of each row. */
  readonly counts: Int32Array;
  readonly latents: Int32Array;
  readonly values: Float32Array;
}

const name = "partial";

/**
 * The files in which a sparse matrix grows, inside the folder of its results (`partial/`): how many latents each row has,
 * which, and their values. `state.json` never promises more than is on disk, and what goes beyond it is cut off when
 * the work goes on.
 */
export class LatentParts {
  private constructor(
    private readonly folder: string,
    private readonly files: Readonly<Record<Column, FileHandle>>,
    /** Where the work goes on; undefined where it begins. */
    readonly state: LatentsState | undefined,
  ) {}

  /**
   * Opens the parts inside `dir`, and takes up those of the same job.
   * @throws SaevError `INVALID_ARGUMENT` when they belong to another job, `BAD_FILE` when they are shorter than their
   * state says, `IO`.
   */
  static async open(dir: string, job: string): Promise<LatentParts> {
    const folder = path.join(dir, name);
    await mkdir(folder, { recursive: true });
    const state = await readState(path.join(folder, "state.json"));
    if (state !== undefined && state.job !== job) {
      throw new SaevError(
        "INVALID_ARGUMENT",
        `${folder} holds the beginning of other latents (another SAE, data or batch size); remove it, or choose another dump_to`,
      );
    }
    const bytes = {
      counts: 4 * (state?.rows ?? 0),
      latents: 4 * (state?.nnz ?? 0),
      values: 4 * (state?.nnz ?? 0),
    };
    const opened: FileHandle[] = [];
    try {
      for (const [column, file] of Object.entries(columns) as [Column, string][]) {
        const at = path.join(folder, file);
        const handle = await open(at, "a+");
        opened.push(handle);
        const { size } = await handle.stat();
        if (size < bytes[column]) {
          throw new SaevError(
            "BAD_FILE",
            `${at}: expected at least ${bytes[column]} bytes from state.json, found ${size}; remove ${folder} to begin anew`,
          );
        }
        await handle.truncate(bytes[column]);
      }
    } catch (error) {
      await Promise.all(opened.map((handle) => handle.close()));
      throw error;
    }
    const [counts, latents, values] = opened as [FileHandle, FileHandle, FileHandle];
    return new LatentParts(folder, { counts, latents, values }, state);
  }

  /** Adds rows; durable only after {@link save}. */
  async append(block: RowBlock): Promise<void> {
    for (const column of Object.keys(columns) as Column[]) {
      const { buffer, byteOffset, byteLength } = block[column];
      if (byteLength > 0) await this.files[column].appendFile(new Uint8Array(buffer, byteOffset, byteLength));
    }
  }

  /** Puts everything appended on disk, then says so. */
  async save(state: Omit<LatentsState, "format">): Promise<void> {
    for (const file of Object.values(this.files)) await file.datasync();
    await writeText(path.join(this.folder, "state.json"), JSON.stringify({ format: 1, ...state }));
  }

  /** The bytes of a column from its start, in pieces of `size`, the last one shorter; the buffer is used again. */
  async *read(column: Column, size = 1 << 22): AsyncGenerator<Uint8Array> {
    const buffer = new Uint8Array(size);
    for (let at = 0; ; ) {
      let filled = 0;
      while (filled < size) {
        const { bytesRead } = await this.files[column].read(buffer, filled, size - filled, at + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      if (filled === 0) return;
      at += filled;
      yield buffer.subarray(0, filled);
    }
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.files).map((file) => file.close()));
  }

  /** Removes the parts, when the results are there. */
  async remove(): Promise<void> {
    await this.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Whether parts of a matrix lie in `dir`. */
export const hasParts = (dir: string): Promise<boolean> =>
  stat(path.join(dir, name, "state.json")).then(
    () => true,
    () => false,
  );

async function readState(file: string): Promise<LatentsState | undefined> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new SaevError("IO", `cannot read ${file}: ${error.message}`, { cause: error });
  });
  if (text === undefined) return undefined;
  let value: Partial<LatentsState> | undefined;
  try {
    value = JSON.parse(text) as Partial<LatentsState>;
  } catch {
    value = undefined;
  }
  const whole = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 0;
  const texts = [value?.job, value?.loader, value?.sums].every((t) => typeof t === "string");
  const numbers = [value?.rows, value?.nnz, value?.activations].every(whole);
  if (value?.format === 1 && texts && numbers) return value as LatentsState;
  throw new SaevError(
    "BAD_FILE",
    `${file}: expected the state of an encoding; remove ${path.dirname(file)} to begin anew`,
  );
}
