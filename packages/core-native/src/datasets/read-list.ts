import { createReadStream } from "node:fs";
import path from "node:path";
import { SaevError } from "../errors.js";
import { labelNames } from "./features.js";
import type { ListOptions } from "./list.js";
import { ParquetFile } from "./parquet-file.js";
import { opened } from "./read-bytes.js";

/** One line of a list. */
export interface ListRow {
  readonly file: string;
  readonly label: string;
  /** Where it stands, for messages: "line 3". */
  readonly at: string;
}

/** Longest line, in characters. */
const maxRecord = 2 ** 20;

type Columns = Pick<ListOptions, "pathColumn" | "labelColumn">;
type Values = Readonly<Record<string, unknown>>;

const pathNames = [
  "path",
  "file_name",
  "filename",
  "filepath",
  "file_path",
  "file",
  "image",
  "image_path",
  "img",
];

/** All rows of a list, by its extension. */
export async function readList(list: string, options: Columns): Promise<ListRow[]> {
  const extension = path.extname(list).toLowerCase();
  const read = { ".csv": csv, ".tsv": csv, ".jsonl": jsonLines, ".ndjson": jsonLines, ".parquet": parquet }[
    extension
  ];
  if (read === undefined) {
    throw new SaevError(
      "UNSUPPORTED",
      `${list}: expected a list as .csv, .tsv, .jsonl or .parquet, found ${extension || "no extension"}`,
    );
  }
  const rows: ListRow[] = [];
  let columns: { file: string; label: string | undefined } | undefined;
  for await (const { values, at } of read(list, options)) {
    columns ??= choose(list, Object.keys(values), options);
    const file = values[columns.file];
    if (typeof file !== "string")
      throw new SaevError(
        "BAD_FILE",
        `${list}, ${at}: expected a path under "${columns.file}", found ${JSON.stringify(file) ?? "nothing"}`,
      );
    rows.push({ file, label: textOf(columns.label === undefined ? undefined : values[columns.label]), at });
  }
  return rows;
}

const textOf = (value: unknown): string =>
  value === undefined || value === null
    ? ""
    : typeof value === "object"
      ? JSON.stringify(value)
      : String(value);

function choose(list: string, names: readonly string[], { pathColumn, labelColumn }: Columns) {
  const pick = (what: string, flag: string, given: string, known: readonly string[]) => {
    const found =
      given === "" ? known.find((name) => names.includes(name)) : names.find((name) => name === given);
    if (found === undefined && (given !== "" || known === pathNames)) {
      throw new SaevError(
        "BAD_FILE",
        `${list}: expected a column of ${what}${given === "" ? ` (${known.slice(0, 3).join(", ")}, …)` : ` called ${JSON.stringify(given)}`}, ` +
          `found the columns ${names.join(", ") || "none"}; name it with ${flag}`,
      );
    }
    return found;
  };
  return {
    file: pick("paths", "path_column", pathColumn, pathNames)!,
    label: pick("labels", "label_column", labelColumn, labelNames),
  };
}

interface Line {
  readonly values: Values;
  readonly at: string;
}

async function* csv(list: string): AsyncGenerator<Line> {
  const { parse } = await import("csv-parse");
  const delimiter = list.toLowerCase().endsWith(".tsv") ? "\t" : ",";
  const parser = parse({
    columns: true,
    bom: true,
    info: true,
    skip_empty_lines: true,
    delimiter,
    max_record_size: maxRecord,
    record_delimiter: ["\r\n", "\n"],
  });
  const source = createReadStream(list);
  source.once("error", (error) => parser.destroy(error));
  source.pipe(parser);
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: Values; info: { lines: number } }>)
      yield { values: record, at: `line ${info.lines}` };
  } catch (error) {
    await failed(list, error);
  } finally {
    source.destroy();
  }
}

async function* jsonLines(list: string): AsyncGenerator<Line> {
  let n = 0;
  try {
    for await (const line of lines(list)) {
      n++;
      if (line.trim() === "") continue;
      const values: unknown = JSON.parse(line);
      if (typeof values !== "object" || values === null || Array.isArray(values))
        throw new SyntaxError("no object");
      yield { values: values as Values, at: `line ${n}` };
    }
  } catch (error) {
    if (error instanceof SyntaxError)
      throw new SaevError("BAD_FILE", `${list}, line ${n}: expected a JSON object, found ${error.message}`);
    await failed(list, error);
  }
}

async function* lines(list: string): AsyncGenerator<string> {
  let rest = "\uFEFF";
  for await (const chunk of createReadStream(list, "utf8") as AsyncIterable<string>) {
    const parts = (rest + chunk).replace(/^\uFEFF+/, "").split("\n");
    rest = parts.pop()!;
    if (rest.length > maxRecord)
      throw new SaevError(
        "BAD_FILE",
        `${list}: expected lines, found one of more than ${maxRecord} characters`,
      );
    yield* parts;
  }
  yield rest.replace(/^\uFEFF+/, "");
}

async function* parquet(list: string, options: Columns): AsyncGenerator<Line> {
  const file = await ParquetFile.open(list);
  const names = file.columns.filter((column) => column.fields.length === 0).map((column) => column.name);
  const { file: pathColumn, label } = choose(list, names, options);
  const columns = label === undefined ? [pathColumn] : [pathColumn, label];
  let from = 0;
  for (const rows of file.groups) {
    for (const [i, values] of (await file.read(columns, from, from + rows)).entries())
      yield { values: Object.fromEntries(columns.map((c) => [c, text(values[c])])), at: `row ${from + i}` };
    from += rows;
  }
}

const text = (value: unknown): unknown =>
  value instanceof Uint8Array
    ? Buffer.from(value).toString("utf8")
    : typeof value === "bigint"
      ? String(value)
      : value;

async function failed(list: string, error: unknown): Promise<never> {
  if (error instanceof SaevError) throw error;
  const { CsvError } = await import("csv-parse");
  if (error instanceof CsvError)
    throw new SaevError("BAD_FILE", `${list}: ${error.message.split("\n")[0]}`, { cause: error });
  return opened(list, () => Promise.reject(error));
}
