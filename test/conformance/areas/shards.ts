import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { ConformanceArea, Outcome } from "../area.js";
import { type Run, readJson } from "../shards/compare.js";
import { dataload } from "../shards/dataload.js";
import { faults } from "../shards/faults.js";
import { permutations, reading, writing } from "../shards/files.js";

async function* run(reference: string): AsyncIterable<Outcome> {
  const folder = path.join(reference, "shards");
  const scratch = mkdtempSync(path.join(os.tmpdir(), "saev-conformance-"));
  try {
    const runs = readJson<Record<string, Run>>(folder, "index.json");
    for (const [name, recorded] of Object.entries(runs)) yield* reading(folder, name, recorded);
    for (const [name, recorded] of Object.entries(runs)) yield* writing(folder, name, recorded, scratch);
    yield* permutations(folder);
    // The run that the loader's cases were made from.
    const main = runs.main ?? Object.values(runs)[0];
    if (!main) throw new Error("shards/index.json lists no run");
    yield* dataload(folder, main);
    yield* faults(folder, main, scratch);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

export const shards: ConformanceArea = { name: "shards", run };
