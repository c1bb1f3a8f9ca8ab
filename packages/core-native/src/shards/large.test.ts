import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DataLoad, type Metadata, metadataHash, metadataText } from "@saev/config";
import { afterAll, describe, expect, it } from "vitest";
import { ActivationLoader, convertShards, ShardFolder, shardLayout, verifyShards } from "../index.js";

// Sparse files: they have the sizes of large runs and take no space.
const root = mkdtempSync(path.join(os.tmpdir(), "saev-large-"));
afterAll(() => rmSync(root, { recursive: true }));

function sparse(file: string, size: number): void {
  const fd = openSync(file, "w");
  ftruncateSync(fd, size);
  closeSync(fd);
}
function poke(file: string, at: number, value: number): void {
  const fd = openSync(file, "r+");
  writeSync(fd, new Uint8Array(Float32Array.of(value).buffer), 0, 4, at);
  closeSync(fd);
}
function makeFolder(m: Metadata): string {
  const dir = path.join(root, metadataHash(m));
  mkdirSync(dir);
  writeFileSync(path.join(dir, "metadata.json"), metadataText(m));
  const { bytesPerShard, nImgs, nImgsPerShard } = shardLayout(m);
  // Making ten thousand files takes long on some disks, linking one does not.
  const own = (i: number) => path.join(dir, `acts${String(i).padStart(6, "0")}.bin`);
  const nShards = nImgs / nImgsPerShard;
  for (let i = 0; i < nShards; i++) {
    if (i === 0 || i === nShards / 2 || i === nShards - 1) sparse(own(i), bytesPerShard);
    else linkSync(own(0), own(i));
  }
  return dir;
}
const base: Metadata = {
  vit_family: "clip",
  vit_ckpt: "test",
  layers: [-1],
  n_patches_per_img: 255,
  cls_token: true,
  d_vit: 1024,
  seed: 42,
  n_imgs: 0,
  n_patches_per_shard: 0,
  data: "ImageFolderDataset(root='x')",
};
const load = (shard_root: string) =>
  DataLoad.parse({ shard_root, layer: -1, scale_mean: false, scale_norm: false });

it("one shard of 11 GB: its last value is read, verified and converted", async () => {
  const images = 10_500;
  const m = { ...base, n_imgs: images, n_patches_per_shard: 256 * images };
  const dir = makeFolder(m);
  const file = path.join(dir, "acts000000.bin");
  const { size } = statSync(file);
  expect(size).toBeGreaterThan(1e10);
  poke(file, size - 4, 7);
  const folder = await ShardFolder.open(dir);
  expect((await folder.readImage(images - 1)).at(-1)).toBe(7);
  {
    using loader = await ActivationLoader.open(load(dir), { order: "ordered", nWorkers: 0 });
    expect(loader.length).toBe(images * 255);
    loader.restore(`shards 1 ${loader.length} 0 0 0 ${loader.length - 1}`);
    using batch = (await loader.next(10))!;
    expect(batch.acts.toFloat32Array().at(-1)).toBe(7);
    expect([...batch.imageI.toTypedArray()]).toEqual([BigInt(images - 1)]);
  }
  const { dir: present } = await convertShards(dir, "protocol-2.1", root);
  expect((await (await ShardFolder.open(present)).readImage(images - 1)).at(-1)).toBe(7);
  poke(file, size - 8, Number.NaN);
  const { findings } = await verifyShards(dir);
  expect(findings.find((f) => f.code === "not-finite")?.message).toContain(
    `the first in image ${images - 1};`,
  );
}, 60_000);

describe("10,000 shards of 5,000,000,000 patches", () => {
  const perShard = 500;
  const patches = 1000;
  const m = {
    ...base,
    cls_token: false,
    n_patches_per_img: patches,
    d_vit: 1,
    n_imgs: 10_000 * perShard,
    n_patches_per_shard: perShard * patches,
  };
  let dir: string;

  it("rows beyond 2^32 are where they should be, in order and shuffled", async () => {
    dir = makeFolder(m);
    const last = path.join(dir, "acts009999.bin");
    poke(last, perShard * patches * 4 - 4, 3);
    await (await ShardFolder.open(dir)).checkFiles();
    const n = 5e9;
    {
      using loader = await ActivationLoader.open(load(dir), { order: "ordered", nWorkers: 0 });
      expect(loader.length).toBe(n);
      loader.restore(`shards 1 ${n} 0 0 0 ${n - 2}`);
      using batch = (await loader.next(5))!;
      expect([...batch.acts.toFloat32Array()]).toEqual([0, 3]);
      expect([...batch.index.toTypedArray()]).toEqual([BigInt(n - 2), BigInt(n - 1)]);
      expect([...batch.imageI.toTypedArray()]).toEqual([4_999_999n, 4_999_999n]);
      expect([...batch.patchI.toTypedArray()]).toEqual([998n, 999n]);
    }
    using loader = await ActivationLoader.open(load(dir), { order: "shuffled", seed: 1 });
    using batch = (await loader.next(4096))!;
    const index = [...(batch.index.toTypedArray() as BigInt64Array)];
    expect(new Set(index).size).toBe(4096);
    const beyond = index.filter((i) => i >= 2n ** 32n).length;
    // 14 % of all rows lie there: 578 of 4096 are expected, with a standard deviation of 22.
    expect(Math.abs(beyond - 578)).toBeLessThan(5 * 22);
    expect(index.every((i) => i >= 0n && i < BigInt(n))).toBe(true);
  }, 60_000);

  it("a file that shrinks is noticed, though not every batch looks at every file", async () => {
    using loader = await ActivationLoader.open(load(dir), { order: "ordered", nWorkers: 0 });
    // Of this process's own work, so that what else the machine does has no say.
    const worked = () => {
      const { user, system } = process.cpuUsage();
      return user + system;
    };
    const start = worked();
    for (let i = 0; i < 200; i++) (await loader.next(16))![Symbol.dispose]();
    const perBatch = (worked() - start) / 200;
    const names = Array.from({ length: 1e4 }, (_, i) =>
      path.join(dir, `acts${String(i).padStart(6, "0")}.bin`),
    );
    const looking = worked();
    for (const name of names) statSync(name);
    expect(perBatch).toBeLessThan((worked() - looking) / 2);
    truncateSync(path.join(dir, "acts005000.bin"), 4);
    const noticed = async () => {
      for (let i = 0; i < 600; i++) {
        (await loader.next(16))![Symbol.dispose]();
        await sleep(50);
      }
    };
    await expect(noticed()).rejects.toMatchObject({ code: "BAD_FILE", message: /acts005000\.bin shrank/ });
  }, 60_000);

  it("images beyond 2^32 have a place", async () => {
    const many = { ...m, n_patches_per_img: 1, n_imgs: 5e9, n_patches_per_shard: 5e5, data: "many" };
    const at = path.join(root, metadataHash(many));
    mkdirSync(at);
    writeFileSync(path.join(at, "metadata.json"), metadataText(many));
    writeFileSync(
      path.join(at, "saev.json"),
      '{"format":1,"status":"complete","images_done":5000000000,"holes":[4999999998]}',
    );
    const folder = await ShardFolder.open(at);
    expect(folder.locate(4_999_999_999)).toEqual({
      file: path.join(at, "acts009999.bin"),
      offset: 1_999_996,
    });
    sparse(path.join(at, "acts009999.bin"), folder.bytesPerShard);
    poke(path.join(at, "acts009999.bin"), 1_999_996, 9);
    expect([...(await folder.readImage(4_999_999_999))]).toEqual([9]);
  });
});
