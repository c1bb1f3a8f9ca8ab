import { type ConfigIssue, checkConfig, type FlagTable, type FlagUnion, type Schema } from "@saev/config";
import type { CommandLine } from "../argv/read.js";

type Table = Record<string, unknown>;

/** A config from a file and a command line, or all that is wrong with it. */
export interface Assembled<T> {
  readonly config?: T;
  readonly mistakes: readonly string[];
}

/**
 * Puts a config together: defaults, then what the file says, then what the command line says. A subcommand that
 * names another kind than the file's leaves nothing of the file's table.
 * @param file the content of `--config` and its path.
 */
export function assemble<T>(
  schema: Schema<T>,
  table: FlagTable,
  line: CommandLine,
  file?: { readonly path: string; readonly value: Readonly<Table> },
): Assembled<T> {
  const value: Table = structuredClone(file?.value ?? {});
  for (const union of table.unions) {
    const kind = line.kinds.get(union.path);
    if (kind !== undefined) value[union.path] = withKind(union, kind, value[union.path]);
  }
  for (const { path, value: set } of line.settings) put(value, path.split("."), set);
  const { config, issues } = checkConfig(schema, value);
  const mistakes = issues.map((issue) => describe(issue, line, file?.path));
  return { ...(config === undefined ? {} : { config }), mistakes };
}

/** What a file's table for a union becomes when a subcommand chooses `kind`. */
function withKind(union: FlagUnion, kind: string, before: unknown): Table {
  if (!isTable(before)) return { kind };
  if (before.kind === kind) return before;
  const member = union.members.find((m) => m.kind === kind);
  const fields = new Set(member?.flags.map((flag) => flag.path.slice(union.path.length + 1)));
  const fits = before.kind === undefined && Object.keys(before).every((key) => fields.has(key));
  return fits ? { ...before, kind } : { kind };
}

/** Sets a value deep in a table. A value of the file that is no table where one is needed stays, to be reported. */
function put(table: Table, [key, ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    table[key!] = value;
    return;
  }
  table[key!] ??= {};
  const inner = table[key!];
  if (isTable(inner)) put(inner, rest, value);
}

const isTable = (value: unknown): value is Table =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Names the flag or the file that a mistake came from, instead of the field's path alone. */
function describe(issue: ConfigIssue, line: CommandLine, file: string | undefined): string {
  const at = (path: string) => issue.path === path || issue.path.startsWith(`${path}.`);
  const setting = line.settings.find(({ path }) => at(path));
  if (setting !== undefined) {
    const prefix = `${issue.path}: `;
    const text = issue.message.startsWith(prefix) ? issue.message.slice(prefix.length) : issue.message;
    return `${setting.flag}: ${text}`;
  }
  return file === undefined ? issue.message : `${file}: ${issue.message}`;
}
