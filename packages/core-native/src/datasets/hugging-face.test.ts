import { createHash } from "node:crypto";
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { decodeImage } from "../images/decode.js";
import { openDataset } from "../images/image-dataset.js";
import { HuggingFaceImages } from "./hugging-face.js";
import { ParquetFile } from "./parquet-file.js";

const fixtures = path.resolve(import.meta.dirname, "../../../../test/fixtures/datasets");
const hub = path.join(fixtures, "hub");
const expected = JSON.parse(readFileSync(path.join(fixtures, "expected.json"), "utf8")) as Record<
  string,
  { sha256: string; path: string; label: number }[]
>;
const train = ["hub/data/train-00000-of-00002.parquet", "hub/data/train-00001-of-00002.parquet"];

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(path.join(tmpdir(), "saev-parquet-"));
});
afterAll(() => rmSync(scratch, { recursive: true }));

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

it("gives the pictures and labels of all files in order, whatever the order of asking", async () => {
  const dataset = await HuggingFaceImages.open(hub, "train");
  const rows = train.flatMap((file) => expected[file]!.map((row, i) => ({ ...row, at: `${file}#${i}` })));
  expect(dataset.length).toBe(rows.length);
  expect(dataset.classes).toEqual(["cat", "dog", "snowy owl"]);
  const order = [...rows.keys()];
  for (const i of [...order, ...order.toReversed(), 0, 10, 3, 6, 7]) {
    const bytes = await dataset.image(i);
    expect(sha256(bytes as Uint8Array)).toBe(rows[i]!.sha256);
    expect(await dataset.label(i)).toBe(dataset.classes[rows[i]!.label]);
    expect(path.relative(fixtures, dataset.where(i))).toBe(rows[i]!.at);
    expect(await decodeImage(bytes)).toMatchObject({ width: 24, height: 20 });
  }
  await expect(dataset.image(11)).rejects.toThrow("there is no image 11");
  expect(() => dataset.where(-1)).toThrow("there is no image -1");
});

it("reads zstd, other words for a split, and labels that are kept secret", async () => {
  const dataset = await openDataset({ kind: "imagenet-dataset", name: hub, split: "validation" });
  expect(await Promise.all([0, 1, 2, 3].map((i) => dataset.label(i)))).toEqual(["snowy owl", "", "", ""]);
  const rows = expected["hub/data/validation-00000-of-00001.parquet"]!;
  expect(sha256((await dataset.image(3)) as Uint8Array)).toBe(rows[3]!.sha256);
  const renamed = path.join(scratch, "renamed");
  mkdirSync(renamed);
  copyFileSync(path.join(hub, "data/validation-00000-of-00001.parquet"), path.join(renamed, "val.parquet"));
  expect((await HuggingFaceImages.open(renamed, "validation")).length).toBe(4);
});

it("counts from the footers, and reads the row groups that are asked for, each once, one after the other", async () => {
  const read = vi.spyOn(ParquetFile.prototype, "read");
  try {
    const dataset = await HuggingFaceImages.open(hub, "train");
    expect(dataset.length).toBe(11);
    expect(read).not.toHaveBeenCalled();
    await dataset.image(4);
    expect(read.mock.calls).toEqual([[["image"], 3, 6]]);
    await Promise.all(Array.from({ length: 11 }, (_, i) => dataset.image(i)));
    expect(read.mock.calls.map(([, from, to]) => [from, to])).toEqual([
      [3, 6],
      [0, 3],
      [6, 7],
      [0, 2],
      [2, 4],
    ]);
    await dataset.label(5);
    expect(read.mock.lastCall).toEqual([["label"], 3, 6]);
  } finally {
    read.mockRestore();
  }
});

it("follows paths beside the parquet file, and none that lead out of the folder", async () => {
  const dataset = await HuggingFaceImages.open(path.join(fixtures, "paths"), "train");
  expect(dataset.classes).toEqual([]);
  expect(await dataset.image(1)).toBe(path.join(fixtures, "paths/pictures/1.png"));
  expect(await dataset.label(1)).toBe("shape 1");
  const hostile = await HuggingFaceImages.open(path.join(fixtures, "paths"), "test");
  await expect(hostile.image(0)).rejects.toThrow(/test.parquet#0: the path ".*secret.png" leads out of/);
  await expect(hostile.image(1)).rejects.toThrow(/the path "\/etc\/hostname" leads out of/);
  await expect(hostile.image(2)).rejects.toThrow("test.parquet#2: expected a picture, found none");
  expect(await hostile.label(2)).toBe("");

  const linked = path.join(scratch, "linked");
  mkdirSync(path.join(linked, "pictures"), { recursive: true });
  copyFileSync(path.join(fixtures, "paths/train.parquet"), path.join(linked, "train.parquet"));
  symlinkSync(path.join(fixtures, "paths/pictures/0.png"), path.join(linked, "pictures/0.png"));
  await expect((await HuggingFaceImages.open(linked, "train")).image(0)).rejects.toThrow("leads out of");
});

it("finds what is in the hub's cache, and says how to fetch what is not", async () => {
  const commit = "0123456789abcdef0123456789abcdef01234567";
  const repo = path.join(scratch, "cache/datasets--some--birds");
  mkdirSync(path.join(repo, "refs"), { recursive: true });
  writeFileSync(path.join(repo, "refs/main"), commit);
  cpSync(hub, path.join(repo, "snapshots", commit), { recursive: true });
  vi.stubEnv("SAEV_CACHE", undefined);
  vi.stubEnv("HF_HUB_CACHE", path.join(scratch, "cache"));
  vi.stubEnv("HF_HUB_OFFLINE", "1");
  try {
    expect((await HuggingFaceImages.open("some/birds", "train")).length).toBe(11);
    expect((await HuggingFaceImages.open(`some/birds@${commit}`, "train")).length).toBe(11);
    await expect(HuggingFaceImages.open("some/birds@v2", "train")).rejects.toThrow(
      /some\/birds@v2 is not in the hub's caches .*; the network is off .* saev download --dataset some\/birds@v2 --split train$/,
    );
    await expect(HuggingFaceImages.open("../x", "train")).rejects.toThrow(
      "expected a folder of parquet files",
    );
  } finally {
    vi.unstubAllEnvs();
  }
});

it("says what is missing or broken, in one line", async () => {
  await expect(HuggingFaceImages.open(hub, "test")).rejects.toThrow(/found the splits train, validation$/);
  const cut = path.join(scratch, "cut");
  cpSync(hub, cut, { recursive: true });
  rmSync(path.join(cut, "data/train-00000-of-00002.parquet"));
  await expect(HuggingFaceImages.open(cut, "train")).rejects.toThrow(
    "expected 2 files data/train-*-of-00002.parquet, found 1",
  );
  const file = path.join(cut, "data/validation-00000-of-00001.parquet");
  truncateSync(file, 300);
  await expect(HuggingFaceImages.open(cut, "validation")).rejects.toMatchObject({ code: "BAD_FILE" });
  writeFileSync(file, "");
  await expect(HuggingFaceImages.open(cut, "validation")).rejects.toThrow(
    "expected a whole parquet file, found 0 bytes",
  );
  const list = path.join(scratch, "list");
  mkdirSync(list);
  copyFileSync(path.join(fixtures, "paths/list.parquet"), path.join(list, "train.parquet"));
  await expect(HuggingFaceImages.open(list, "train")).rejects.toThrow(
    "expected a column of pictures (feature Image, or a struct of bytes and path), found the columns file_name, species",
  );
});

it("survives damage anywhere: bytes, or one SaevError", async () => {
  const source = readFileSync(path.join(fixtures, "hub/data/train-00001-of-00002.parquet"));
  const folder = path.join(scratch, "damaged");
  mkdirSync(folder);
  const file = path.join(folder, "train.parquet");
  let state = 12345;
  const random = (n: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state % n;
  };
  let failed = 0;
  for (let round = 0; round < 300; round++) {
    const bytes = Buffer.from(source);
    // Mostly in the footer and the pages' heads, which is what a parser trusts.
    const from = round % 3 === 0 ? 0 : bytes.length - 1400;
    for (let k = 0; k <= random(4); k++) bytes[from + random(bytes.length - from)] = random(256);
    writeFileSync(file, bytes);
    try {
      const dataset = await HuggingFaceImages.open(folder, "train");
      for (let i = 0; i < Math.min(dataset.length, 6); i++)
        await dataset.image(i).then(() => dataset.label(i));
    } catch (error) {
      failed++;
      expect((error as Error).name, String((error as Error).stack)).toBe("SaevError");
    }
  }
  expect(failed).toBeGreaterThan(30);
}, 30_000);
