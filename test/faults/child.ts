import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import path from "node:path";

const register = path.resolve(import.meta.dirname, "../../scripts/source/register.mjs");

export interface ChildResult extends SpawnSyncReturns<string> {
  /** Standard output, one parsed JSON value for each line that is JSON. */
  readonly lines: readonly Record<string, unknown>[];
}

/** Node's words for a file of this folder: TypeScript runs from source, `.mjs` on the compiled packages. */
export const childArgs = (file: string): readonly string[] => [
  ...(file.endsWith(".ts") ? ["--import", register] : []),
  path.join(import.meta.dirname, file),
];

/**
 * Runs a file of this folder in a process of its own. Its address space ends at 8 GB, so that a size
 * which nobody checked fails there and does not take the machine's memory.
 */
export function runChild(
  file: string,
  args: readonly string[] = [],
  nodeArgs: readonly string[] = [],
): ChildResult {
  const all = [...nodeArgs, ...childArgs(file), ...args];
  const limited = ["-c", 'ulimit -v 8388608; exec "$@"', "sh", process.execPath, ...all];
  const result = spawnSync("sh", limited, { encoding: "utf8", timeout: 120_000, maxBuffer: 1 << 28 });
  const lines = result.stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { ...result, lines };
}

/** How the process ended, for messages: "exit code 0", "SIGSEGV". */
export const ending = (result: ChildResult): string => result.signal ?? `exit code ${result.status}`;
