import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, it } from "vitest";
import { hasPythonTables, runPython } from "./testing/python-tables.js";
import { writeActsParquet } from "./write-parquet.js";

const folder = mkdtempSync(path.join(tmpdir(), "saev-parquet-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.skipIf(!hasPythonTables)("writes row groups of a million values, in pieces of any size", async () => {
  const rows = 300_000;
  const counts = Int32Array.from({ length: rows }, (_, r) => r % 8);
  const nnz = counts.reduce((a, b) => a + b, 0);
  const latents = Int32Array.from({ length: nnz }, (_, i) => i % 1000);
  const values = Float32Array.from({ length: nnz }, (_, i) => 1 + (i % 7));
  const columns = { counts, latents, values };
  async function* read(column: keyof typeof columns, size = 4 * 99_991) {
    const all = new Uint8Array(columns[column].buffer);
    for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size);
  }
  const file = path.join(folder, "acts.parquet");
  await writeActsParquet(file, { read }, { layers: [], patches: 100, ofPatches: true });
  const script = `
import json, sys
import numpy as np, pyarrow.parquet as pq
f = pq.ParquetFile(sys.argv[1])
t = f.read()
counts = np.arange(${rows}) % 8
row = np.repeat(np.arange(${rows}), counts)
i = np.arange(len(row))
checks = [(t["image"].to_numpy() == row // 100).all(), (t["patch"].to_numpy() == row % 100).all(),
  (t["latent"].to_numpy() == i % 1000).all(), (t["value"].to_numpy() == 1 + i % 7).all()]
g = f.metadata.row_group(1).column(0).statistics
print(json.dumps([[bool(c) for c in checks], [f.metadata.row_group(k).num_rows for k in range(f.num_row_groups)], g.min, g.max]))`;
  const [checks, groups, min, max] = runPython(script, file) as [boolean[], number[], number, number];
  expect(checks).toEqual([true, true, true, true]);
  expect(groups).toEqual([2 ** 20, nnz - 2 ** 20]);
  expect([min, max]).toEqual([2995, 2999]);
  // 8 bytes for latent and value, hardly anything for image and patch.
  expect(statSync(file).size / nnz).toBeLessThan(9);
});
