import { stat } from "node:fs/promises";
import type { AsyncBuffer, Compressors, FileMetaData } from "hyparquet";
import { SaevError } from "../errors.js";
import { opened, readBytes } from "./read-bytes.js";

/**
 * Most bytes that one page may unpack to: what a file claims is not allocated unchecked. Pages that grow more than
 * `maxInflation` times, and beyond `freelyUnpacked`, are taken for an attack.
 */
const maxPageBytes = 2 ** 31;
const maxInflation = 1000;
const freelyUnpacked = 2 ** 26;

/** One row: column name to value; byte columns are `Uint8Array`s, structs are objects, absent values are undefined or null. */
export type Row = Readonly<Record<string, unknown>>;

/** A top-level column. */
export interface Column {
  readonly name: string;
  /** Members of a struct. */
  readonly fields: readonly string[];
  /** Whether values are bytes without being text. */
  readonly binary: boolean;
  readonly text: boolean;
}

/** A parquet file whose rows are read row group by row group. It is opened for each read and never held open. */
export class ParquetFile {
  readonly #metadata: FileMetaData;

  private constructor(
    readonly path: string,
    metadata: FileMetaData,
    /** Rows of each row group, in order. */
    readonly groups: readonly number[],
    /** Top-level columns. */
    readonly columns: readonly Column[],
  ) {
    this.#metadata = metadata;
  }

  /**
   * Reads the footer, and nothing else.
   * @throws SaevError `NOT_FOUND`, `IO`, or `BAD_FILE` for what is no parquet file.
   */
  static async open(file: string): Promise<ParquetFile> {
    const { parquetMetadataAsync } = await import("hyparquet");
    const metadata = await guarded(file, (buffer) => {
      if (buffer.byteLength < 12) throw bad(file, `${buffer.byteLength} bytes`);
      return parquetMetadataAsync(buffer, { geoparquet: false });
    });
    const groups = metadata.row_groups.map((group) => Number(group.num_rows));
    const sum = groups.reduce((a, b) => a + b, 0);
    if (!groups.every((n) => Number.isSafeInteger(n) && n >= 0) || sum !== Number(metadata.num_rows)) {
      throw bad(file, `${metadata.num_rows} rows in groups of ${sum}`);
    }
    return new ParquetFile(file, metadata, groups, columnsOf(file, metadata));
  }

  /** Number of rows. */
  get rows(): number {
    return Number(this.#metadata.num_rows);
  }

  /** A text of the footer's key-value metadata. */
  text(key: string): string | undefined {
    const value: unknown = this.#metadata.key_value_metadata?.find((entry) => entry.key === key)?.value;
    return typeof value === "string" ? value : undefined;
  }

  /** Rows [from, to) with these columns. @throws SaevError `BAD_FILE` or `IO`. */
  async read(columns: readonly string[], from: number, to: number): Promise<readonly Row[]> {
    const { parquetReadObjects } = await import("hyparquet");
    const compressors = await allCompressors();
    const rows = await guarded(this.path, (file) =>
      parquetReadObjects({
        file,
        metadata: this.#metadata,
        columns: [...columns],
        rowStart: from,
        rowEnd: to,
        compressors,
        utf8: false,
        geoparquet: false,
      }),
    );
    if (rows.length !== to - from)
      throw bad(this.path, `${rows.length} of ${to - from} rows from row ${from}`);
    return rows;
  }
}

/** The top level of the schema, whose elements hyparquet hands over as the file has them, whatever their types. */
function columnsOf(path: string, { schema }: FileMetaData): Column[] {
  const children = (i: number): number => {
    const n: unknown = schema[i]?.num_children ?? 0;
    if (typeof n !== "number" || !Number.isSafeInteger(n) || n < 0 || n >= schema.length)
      throw bad(path, `a column with ${n} parts`);
    return n;
  };
  // The element after the tree at `i`. What a file nests deeper than it has elements ends with them.
  const after = (i: number): number => {
    let next = i + 1;
    for (let open = children(i); open > 0 && next < schema.length; next++) open += children(next) - 1;
    return next;
  };
  const nameOf = (i: number): string => {
    const name: unknown = schema[i]?.name;
    if (typeof name !== "string") throw bad(path, "a column without a name");
    return name;
  };
  const columns: Column[] = [];
  for (let i = 1; i < schema.length && columns.length < children(0); i = after(i)) {
    const { type, converted_type, logical_type } = schema[i]!;
    const text = converted_type === "UTF8" || logical_type?.type === "STRING";
    const fields = schema.slice(i + 1, i + 1 + children(i)).map((_, f) => nameOf(i + 1 + f));
    columns.push({ name: nameOf(i), fields, binary: type === "BYTE_ARRAY" && !text, text });
  }
  return columns;
}

let unpackers: Promise<Compressors> | undefined;

/** Snappy, gzip, brotli, zstd, lz4, each refusing to unpack to more than a page may hold. */
function allCompressors(): Promise<Compressors> {
  unpackers ??= import("hyparquet-compressors").then(({ compressors }) =>
    Object.fromEntries(
      Object.entries(compressors).map(([name, unpack]) => [
        name,
        (input: Uint8Array, length: number) => {
          const most = Math.min(maxPageBytes, Math.max(freelyUnpacked, maxInflation * input.length));
          if (!(length >= 0 && length <= most))
            throw new Error(`a page that would unpack to ${length} bytes from ${input.length}`);
          return unpack(input, length);
        },
      ]),
    ),
  );
  return unpackers;
}

/**
 * A file as hyparquet reads it: every range is checked against the file's size. hyparquet asks for ranges ahead and forgets
 * them when it fails before their turn; a rejection of its own or of the disk that nobody waits for would end the process.
 * So a range that cannot be read is told to `fail`, and bytes come only while the reading goes on: otherwise the range stays
 * open for good.
 */
async function bufferOf(
  path: string,
  fail: (error: unknown) => void,
  goesOn: () => boolean,
): Promise<AsyncBuffer> {
  const { size } = await opened(path, () => stat(path));
  const open = () => new Promise<never>(() => {});
  const read = async (start: number, end: number): Promise<ArrayBuffer> => {
    try {
      if (!(start >= 0 && start <= end && end <= size))
        throw bad(path, `a range (${start} to ${end}) outside its ${size} bytes`);
      const bytes = await readBytes(path, start, end - start);
      return goesOn() ? bytes.buffer : await open();
    } catch (error) {
      fail(error);
      return open();
    }
  };
  return { byteLength: size, slice: (start, end = size) => read(start, end) };
}

const bad = (path: string, found: string): SaevError =>
  new SaevError("BAD_FILE", `${path}: expected a whole parquet file, found ${found}`);

/** Any failure of the parser, which checks less than it trusts, is the file's. */
async function guarded<T>(path: string, work: (file: AsyncBuffer) => T | Promise<T>): Promise<T> {
  let over = false;
  try {
    return await new Promise<T>((resolve, reject) => {
      bufferOf(path, reject, () => !over)
        .then(work)
        .then(resolve, reject);
    });
  } catch (error) {
    if (error instanceof SaevError) throw error;
    const reason = (error as Error).message.split("\n")[0];
    throw new SaevError("BAD_FILE", `${path}: cannot be read as parquet: ${reason}`, { cause: error });
  } finally {
    over = true;
  }
}
