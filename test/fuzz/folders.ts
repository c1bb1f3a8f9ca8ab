import { accessSync, constants } from "node:fs";
import os from "node:os";
import path from "node:path";

export const root = path.resolve(import.meta.dirname, "../..");
const cache = path.join(root, ".cache/fuzz");

/** Where fuzzing keeps its things; what is not committed lies in .cache. */
export const folders = {
  /** Binaries and objects. */
  build: path.join(cache, "build"),
  /** What runs found to reach something new. */
  corpora: path.join(cache, "corpora"),
  /** Inputs that broke a target. */
  findings: path.join(cache, "findings"),
  /** Seeds made by seeds.py. */
  seeds: path.join(cache, "seeds"),
  /** The committed corpora, which `npm test` runs. */
  fixtures: path.join(root, "test/fixtures/fuzz"),
  dictionaries: path.join(import.meta.dirname, "dictionaries"),
} as const;

/** A folder for millions of small files: in memory where the system has such a one. */
export const inMemory = (() => {
  try {
    accessSync("/dev/shm", constants.W_OK);
    return "/dev/shm";
  } catch {
    return os.tmpdir();
  }
})();

/** Where a run leaves the input it is at, for when the process does not come back from it. */
export const lastInputOf = (name: string): string =>
  path.join(inMemory, `saev-fuzz-${process.getuid?.() ?? 0}-${name}.last`);
