import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  cpSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { type Metadata, metadataHash } from "@saev/config";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ShardWriter, Tensor, verifyShards } from "../index.js";

const root = mkdtempSync(path.join(os.tmpdir(), "saev-verify-"));
afterAll(() => rmSync(root, { recursive: true }));

const m: Metadata = {
  vit_family: "clip",
  vit_ckpt: "test",
  layers: [-2, -1],
  n_patches_per_img: 4,
  cls_token: true,
  d_vit: 8,
  seed: 42,
  n_imgs: 23,
  n_patches_per_shard: 71, // 7 images: 4 shards, 2 images in the last
  data: "ImageFolderDataset(root='x')",
};
const perImage = 2 * 5 * 8;
const bytesPerImg = perImage * 4;
const name = metadataHash(m);

/** Records images `[from, until)`; values are numbers above 0. */
async function record(dumpTo: string, until: number, holes: readonly number[] = [], finish = true) {
  using writer = await ShardWriter.open(dumpTo, m);
  while (writer.nextImage < until) {
    const from = writer.nextImage;
    const n = Math.min(5, until - from);
    using acts = Tensor.from(
      Float32Array.from({ length: n * perImage }, (_, i) => 1 + from * perImage + i),
      [n, 2, 5, 8],
    );
    await writer.write(acts, { holes: holes.map((h) => h - from).filter((h) => h >= 0 && h < n) });
  }
  if (finish) await writer.finish();
  else await writer.checkpoint();
  return writer.dir;
}

let good: string;
beforeAll(async () => {
  good = await record(path.join(root, "good"), 23);
});
let copies = 0;
/** A copy of the good folder to do harm to. */
function copy(): string {
  const dir = path.join(root, String(copies++), name);
  cpSync(good, dir, { recursive: true });
  return dir;
}
const codes = async (dir: string) => {
  const { findings, ok } = await verifyShards(dir);
  return {
    ok,
    found: findings.map(({ severity, code, file }) => [severity, code, file ?? ""].join(" ").trim()),
  };
};
/** Overwrites bytes in place. */
function poke(file: string, at: number, bytes: Uint8Array): void {
  const fd = openSync(file, "r+");
  writeSync(fd, bytes, 0, bytes.length, at);
  closeSync(fd);
}
const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);

it("a folder as recorded is good, and sha256sum agrees with its checksums", async () => {
  const progress: number[] = [];
  const found = await verifyShards(good, { onProgress: ({ done, total }) => progress.push(done / total) });
  expect(found).toMatchObject({
    ok: true,
    findings: [],
    files: 4,
    checksums: 4,
    bytes: 4 * 7 * bytesPerImg,
    format: "document",
  });
  expect(progress.at(-1)).toBe(1);
  const sums = spawnSync("sha256sum", ["-c", "--strict", "SHA256SUMS"], { cwd: good, encoding: "utf8" });
  expect(sums.stdout.split("\n").filter((line) => line.endsWith(": OK"))).toHaveLength(4);
  expect(sums.status).toBe(0);
});

it("checksums do not depend on where a recording was cut", async () => {
  const dumpTo = path.join(root, "cut");
  for (const until of [3, 8, 13, 16]) await record(dumpTo, until, [], false);
  const dir = await record(dumpTo, 23);
  // Batches lie otherwise, files do not.
  expect(readFileSync(path.join(dir, "SHA256SUMS"))).toEqual(readFileSync(path.join(good, "SHA256SUMS")));
  expect((await codes(dir)).ok).toBe(true);
});

describe("finds", () => {
  const shard = (dir: string, i: number) => path.join(dir, `acts00000${i}.bin`);
  it.each<[what: string, harm: (dir: string) => void, found: string[]]>([
    [
      "a truncated shard",
      (d) => truncateSync(shard(d, 1), 1000),
      ["error size acts000001.bin", "error checksum acts000001.bin"],
    ],
    [
      "a shard that is too long",
      (d) => appendFileSync(shard(d, 0), floats(0)),
      ["error size acts000000.bin", "error checksum acts000000.bin"],
    ],
    [
      "one flipped bit",
      (d) => {
        const byte = readFileSync(shard(d, 2))[777]!;
        poke(shard(d, 2), 777, Uint8Array.of(byte ^ 1));
      },
      ["error checksum acts000002.bin"],
    ],
    [
      "a NaN",
      (d) => poke(shard(d, 0), 3 * bytesPerImg, floats(Number.NaN)),
      ["error checksum acts000000.bin", "error not-finite acts000000.bin"],
    ],
    ["a missing shard", (d) => unlinkSync(shard(d, 2)), ["error missing acts000002.bin"]],
    [
      "shards that changed places",
      (d) => {
        renameSync(shard(d, 0), shard(d, 9));
        renameSync(shard(d, 1), shard(d, 0));
        renameSync(shard(d, 9), shard(d, 1));
      },
      ["error checksum acts000000.bin", "error checksum acts000001.bin"],
    ],
    [
      "images that a copy left zeros",
      (d) => {
        poke(shard(d, 1), 5 * bytesPerImg, new Uint8Array(2 * bytesPerImg));
        unlinkSync(path.join(d, "SHA256SUMS"));
      },
      ["error zeros acts000001.bin", "note no-checksum"],
    ],
    [
      "values in the padding",
      (d) => {
        poke(shard(d, 3), 6 * bytesPerImg, floats(1));
        unlinkSync(path.join(d, "SHA256SUMS"));
      },
      ["error padding acts000003.bin", "note no-checksum"],
    ],
    [
      "files of others, and what a dead process left",
      (d) => {
        writeFileSync(path.join(d, "notes.txt"), "");
        writeFileSync(path.join(d, "saev.json.tmp-1-0"), "");
        copyFileSync(shard(d, 0), shard(d, 4));
      },
      ["note stray notes.txt", "note stray saev.json.tmp-1-0", "note stray acts000004.bin"],
    ],
    [
      "a hole that is none",
      (d) =>
        writeFileSync(
          path.join(d, "saev.json"),
          '{"format":1,"status":"complete","images_done":23,"holes":[4]}',
        ),
      ["error hole saev.json", "note hole"],
    ],
    [
      "labels of another size",
      (d) => writeFileSync(path.join(d, "labels.bin"), Buffer.alloc(23 * 4 - 1)),
      ["error labels labels.bin"],
    ],
  ])("%s", async (_, harm, found) => {
    const dir = copy();
    harm(dir);
    const result = await codes(dir);
    expect(result.found).toEqual(found);
    expect(result.ok).toBe(found.every((f) => f.startsWith("note")));
  });

  it("where the first value that is not finite lies, and counts them", async () => {
    const dir = copy();
    poke(shard(dir, 1), 2 * bytesPerImg - 4, floats(Number.POSITIVE_INFINITY, Number.NaN));
    const { findings } = await verifyShards(dir);
    expect(findings.find((f) => f.code === "not-finite")?.message).toMatch(/2 values .* image 8;/);
  });

  it("another name and an unfinished recording", async () => {
    const renamed = path.join(root, "renamed");
    cpSync(good, renamed, { recursive: true });
    expect((await codes(renamed)).found).toEqual(["error name"]);
    const dir = await record(path.join(root, "unfinished"), 16, [], false);
    const { findings, ok } = await verifyShards(dir);
    expect({ ok, n: findings.length, code: findings[0]!.code }).toEqual({
      ok: false,
      n: 1,
      code: "unfinished",
    });
    expect(findings[0]!.message).toContain("only 16 of 23 images");
  });

  it("holes, without calling them wrong", async () => {
    const dir = await record(path.join(root, "holes"), 23, [0, 9, 10]);
    expect(await codes(dir)).toEqual({ ok: true, found: ["note hole"] });
  });
});

it("stops when told to, and says what is no shard folder", async () => {
  const reason = new Error("enough");
  const controller = new AbortController();
  controller.abort(reason);
  await expect(verifyShards(good, { signal: controller.signal })).rejects.toBe(reason);
  await expect(verifyShards(root)).rejects.toMatchObject({ code: "NOT_FOUND" });
});

it("reads a sparse shard of more than 10 GB, and values beyond byte 2^32", async () => {
  const big: Metadata = {
    ...m,
    layers: [-1],
    n_patches_per_img: 255,
    d_vit: 1024,
    n_imgs: 10_500,
    n_patches_per_shard: 256 * 10_500,
  };
  const dir = path.join(root, "big", metadataHash(big));
  cpSync(good, dir, { recursive: true, filter: (from) => !/acts|SUMS|json$/.test(from) });
  const { metadataText } = await import("@saev/config");
  writeFileSync(path.join(dir, "metadata.json"), metadataText(big));
  const file = path.join(dir, "acts000000.bin");
  writeFileSync(file, "");
  const perImg = 256 * 1024 * 4;
  truncateSync(file, 10_500 * perImg);
  expect(statSync(file).size).toBeGreaterThan(1e10);
  poke(file, 10_499 * perImg + 8, floats(Number.NaN, 1));
  const { findings } = await verifyShards(dir);
  expect(findings.find((f) => f.code === "not-finite")?.message).toContain(
    "1 values are NaN or infinite, the first in image 10499;",
  );
  expect(findings.find((f) => f.code === "zeros")?.message).toContain("(10499)");
}, 60_000);
