import { SaevError } from "../../packages/core-native/src/errors.js";

/** A parser of ours in TypeScript. */
export interface FuzzTarget {
  readonly name: string;
  /** Ends of the paths of its files, whose coverage guides the mutations. */
  readonly files: readonly string[];
  readonly maxBytes: number;
  /** Words that stand in such files. */
  readonly words: readonly string[];
  /** Inputs between two looks at the coverage. */
  readonly batch: number;
  /** Reads the bytes, and checks what it gives; may throw what {@link expectClear} lets pass. `folder` is empty and fast. */
  run(bytes: Uint8Array<ArrayBuffer>, folder: string): unknown;
}

/** Longest time that one small input may take, in milliseconds: the machine may be busy. */
const maxMilliseconds = 5000;
/** Most memory that one input may add to the process's, in MiB. */
const maxMib = 512;
const clear: readonly string[] = ["BAD_FILE", "UNSUPPORTED"];

/**
 * Runs one input. A SaevError of one line about the file is right; anything else that is thrown, an error of several lines
 * and an endless reader are not.
 */
export async function expectClear(
  target: FuzzTarget,
  bytes: Uint8Array<ArrayBuffer>,
  folder: string,
): Promise<void> {
  const started = performance.now();
  const memory = process.resourceUsage().maxRSS;
  try {
    await target.run(bytes, folder);
  } catch (error) {
    if (!(error instanceof SaevError)) throw error;
    if (!clear.includes(error.code))
      throw new Error(`an error with the code ${error.code}: ${error.message}`);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are looked for
    if (/[\u0000-\u001f]/.test(error.message))
      throw new Error(`an error of several lines: ${JSON.stringify(error.message)}`);
    if (error.message.length > 4000) throw new Error(`an error of ${error.message.length} characters`);
  }
  const grew = (process.resourceUsage().maxRSS - memory) / 1024;
  if (grew > maxMib) throw new Error(`${bytes.length} bytes took ${grew.toFixed(0)} MiB`);
  const took = performance.now() - started;
  if (took > maxMilliseconds) throw new Error(`${bytes.length} bytes took ${took.toFixed(0)} ms`);
}

export function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}
