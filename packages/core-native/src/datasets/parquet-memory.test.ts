/** A parquet file larger than the memory that downloading, counting and reading it takes. */
import { execFile } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { fileWriter, ParquetWriter } from "hyparquet-writer";
import { afterAll, beforeAll, expect, it } from "vitest";
import { HubServer } from "../hub/testing/hub-server.js";

const groups = 80;
const rows = 16;
const rowBytes = 200_000;
const register = path.resolve(import.meta.dirname, "../../../../scripts/source/register.mjs");
const child = path.join(import.meta.dirname, "testing/read-all.ts");
/** MB beside the file's own: three row groups of 3.2 MB, some times over until they are collected, and buffers. */
const allowance = 100;

let root: string;
let file: string;
beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), "saev-parquet-memory-"));
  file = path.join(root, "train.parquet");
  const writer = fileWriter(file);
  const schema = [
    { name: "root", num_children: 1 },
    { name: "image", type: "BYTE_ARRAY", repetition_type: "REQUIRED" },
  ] as const;
  const parquet = new ParquetWriter({
    writer,
    schema: [...schema],
    codec: "UNCOMPRESSED",
    statistics: false,
  });
  const noise = Buffer.alloc(rowBytes);
  for (let group = 0; group < groups; group++) {
    const data = Array.from({ length: rows }, () => new Uint8Array(randomFillSync(noise)));
    await parquet.write({ columnData: [{ name: "image", data, encoding: "PLAIN" }], rowGroupSize: rows });
  }
  await parquet.finish();
}, 60_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

it("is downloaded, counted and read in a part of its size", { timeout: 120_000 }, async () => {
  const size = statSync(file).size;
  expect(size).toBeGreaterThan(groups * rows * rowBytes);
  const hub = await HubServer.start({
    "datasets/org/large": {
      commit: "7".repeat(40),
      files: { "data/train-00000-of-00001.parquet": readFileSync(file) },
    },
  });
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(HF_|HUGGING|SAEV_CACHE|https?_proxy|no_proxy)/i.test(name),
    ),
  );
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--import", register, child, "org/large", "train"],
      { env: { ...env, HF_HOME: root, HF_ENDPOINT: hub.url } },
    );
    const seen = JSON.parse(stdout) as Record<string, number>;
    expect(seen).toMatchObject({
      downloaded: 1,
      length: groups * rows,
      readsToCount: 0,
      bytes: groups * rows * rowBytes,
    });
    expect(size / 1e6).toBeGreaterThan(2 * allowance);
    for (const step of ["fetched", "opened", "read"])
      expect(seen[step]! - seen.before!, JSON.stringify(seen)).toBeLessThan(allowance);
  } finally {
    await hub.stop();
  }
});
