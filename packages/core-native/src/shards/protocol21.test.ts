import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { DataLoad } from "@saev/config";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ActivationLoader, ShardFolder, verifyShards } from "../index.js";
import { python } from "../io/python.test-util.js";
import { writeWithPython } from "./testing/protocol21.js";

const root = mkdtempSync(path.join(os.tmpdir(), "saev-protocol21-"));
afterAll(() => rmSync(root, { recursive: true }));

const write = (n: number, short: boolean, labels = false) =>
  writeWithPython(mkdtempSync(path.join(root, "p")), n, { short, labels });

describe.skipIf(python === undefined)("a folder of the present layout", () => {
  let full: string;
  let short: string;
  let exact: string;
  beforeAll(() => {
    full = write(7, false, true);
    short = write(7, true);
    exact = write(6, false);
  });

  it("is recognised by its content, with the hash that Python computes", async () => {
    for (const dir of [full, short, exact]) {
      const folder = await ShardFolder.open(dir);
      expect(folder).toMatchObject({
        format: "protocol-2.1",
        hasOwnName: true,
        complete: true,
        unmarked: true,
      });
      expect(folder.hash).toBe(path.basename(dir));
      expect(folder.metadata).toMatchObject({ vit_family: "dinov2", n_patches_per_img: 3, d_vit: 8 });
      expect(folder.layout).toMatchObject({ nImgsPerShard: 3, nTokens: 4, nLayers: 2 });
      await folder.checkFiles();
      const n = folder.imagesDone;
      expect(n).toBe(dir === exact ? 6 : 7);
      expect([...(await folder.readImage(n - 1))]).toEqual(
        Array.from({ length: 64 }, (_, i) => (n - 1) * 64 + i + 1),
      );
    }
  });

  it("verifies, the file of zeros after a full last one too", async () => {
    for (const dir of [full, short, exact]) {
      const { ok, findings } = await verifyShards(dir);
      expect(findings.map((f) => f.code)).toEqual(["no-checksum"]);
      expect(ok).toBe(true);
    }
    truncateSync(path.join(short, "acts000002.bin"), 255);
    expect((await verifyShards(short)).findings.map((f) => f.code)).toContain("size");
    truncateSync(path.join(short, "acts000002.bin"), 256);
  });

  it("is loaded like any other, every patch and layer, its last file short or not", async () => {
    for (const dir of [full, exact]) {
      const n = dir === full ? 7 : 6;
      const config = DataLoad.parse({ shard_root: dir, layer: "all", scale_mean: false, scale_norm: false });
      using loader = await ActivationLoader.open(config, { order: "ordered" });
      expect(loader.length).toBe(n * 2 * 3);
      const batch = (await loader.next(1000))!;
      const expected = [];
      for (let e = 0; e < n; e++)
        for (let l = 0; l < 2; l++)
          for (let t = 1; t < 4; t++)
            for (let d = 0; d < 8; d++) expected.push(((e * 2 + l) * 4 + t) * 8 + d + 1);
      expect([...batch.acts.toFloat32Array()]).toEqual(expected);
    }
    const dir = write(7, true);
    const config = DataLoad.parse({
      shard_root: dir,
      layer: -1,
      patches: "cls",
      scale_mean: false,
      scale_norm: false,
    });
    using loader = await ActivationLoader.open(config, { order: "ordered" });
    const first = [...(await loader.next(7))!.acts.toFloat32Array()].filter((_, i) => i % 8 === 0);
    expect(first).toEqual([0, 1, 2, 3, 4, 5, 6].map((e) => (e * 2 + 1) * 32 + 1));
    // One byte less is no file of this folder.
    truncateSync(path.join(dir, "acts000002.bin"), 255);
    await expect(ActivationLoader.open(config)).rejects.toThrow(/acts000002\.bin: expected 768 bytes/);
  });

  it("that Python did not finish is told from a finished one", async () => {
    const dir = write(7, false);
    const entries = JSON.parse(readFileSync(path.join(dir, "shards.json"), "utf8"));
    writeFileSync(path.join(dir, "shards.json"), JSON.stringify(entries.slice(0, 2)));
    const folder = await ShardFolder.open(dir);
    expect(folder).toMatchObject({ complete: false, imagesDone: 6 });
    const config = DataLoad.parse({ shard_root: dir, layer: -1 });
    await expect(ActivationLoader.open(config)).rejects.toThrow(/only 6 of 7 images/);
  });

  it("with a damaged metadata.json or shards.json fails in one line", async () => {
    const good = readFileSync(path.join(full, "metadata.json"), "utf8");
    const entries = readFileSync(path.join(full, "shards.json"), "utf8");
    const attempt = async (metadata: string, shards?: string) => {
      const dir = mkdtempSync(path.join(root, "bad"));
      mkdirSync(dir, { recursive: true });
      writeFileSync(path.join(dir, "metadata.json"), metadata);
      if (shards !== undefined) writeFileSync(path.join(dir, "shards.json"), shards);
      return ShardFolder.open(dir).then(
        () => "opened",
        (error: Error) => error.message,
      );
    };
    expect(await attempt(good, entries)).toBe("opened");
    expect(await attempt(good)).toMatch(/cannot read .*shards\.json/);
    expect(await attempt(good.replace('"2.1"', '"2.0"'), entries)).toMatch(
      /protocol: expected "2\.1", found "2\.0"$/,
    );
    expect(await attempt(good.replace('"d_model": 8', '"d_model": "8", "extra": 1'), entries)).toMatch(
      /d_model: expected a whole number.*; extra: unknown/,
    );
    expect(await attempt(good.replace('": 25', '": 7'), entries)).toMatch(/n_patches_per_shard|one image/);
    expect(await attempt(good, "[")).toMatch(/expected JSON/);
    expect(await attempt(good, "{}")).toMatch(/expected a list/);
    expect(await attempt(good, entries.replace("acts000001.bin", "../x.bin"))).toMatch(
      /entry 1: expected the name/,
    );
    expect(await attempt(good, entries.replace('"n_examples": 3', '"n_examples": 2'))).toMatch(
      /follows a shard that is not full/,
    );
    expect(await attempt(good, entries.replace('"n_examples": 1', '"n_examples": 1e9'))).toMatch(
      /between 0 and 3/,
    );
  });
});
