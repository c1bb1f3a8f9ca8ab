import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync } from "node:fs";
import path from "node:path";
import { type Activations, parseActivations } from "@saev/config";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeAde20k } from "../datasets/testing/ade20k.js";
import { recordActivations, ShardFolder, verifyShards } from "../index.js";
import { FolderLock } from "../io/folder-lock.js";
import { partRange } from "../shards/record-parts.js";
import { tinyClip, writeTinyClip } from "../vit/testing/tiny-clip.js";
import { digests, scratchFolder, writeDataset } from "./testing/dataset.js";

process.env.OMP_NUM_THREADS = "1";

const n = 23;
let root: string;
let counter = 0;
let whole: Record<string, string>;
const fresh = () => path.join(root, `dump-${counter++}`);
const config = (over: Partial<Record<keyof Activations, unknown>> = {}): Activations =>
  parseActivations({
    data: { root: path.join(root, "images") },
    dump_to: fresh(),
    vit_ckpt: path.join(root, "model"),
    vit_batch_size: 4,
    n_workers: 2,
    d_vit: tinyClip.vision.width,
    vit_layers: [-1, 0],
    n_patches_per_img: 4,
    n_patches_per_shard: 2 * 5 * 3, // 3 images: 8 shards, whose edges are not those of batches
    device: "cpu",
    ...over,
  });
beforeAll(async () => {
  root = scratchFolder("saev-parts-");
  await writeTinyClip(path.join(root, "model"));
  await writeDataset(path.join(root, "images"), n);
  whole = digests((await recordActivations(config())).dir);
});
afterAll(() => rmSync(root, { recursive: true }));

it("gives every shard to one part", () => {
  const layout = { nImgsPerShard: 3 } as Parameters<typeof partRange>[0]["layout"];
  for (const images of [1, 3, 4, 23, 1_281_167]) {
    const folder = { dir: "", metadata: "", entries: undefined, layout, images };
    const shards = Math.ceil(images / 3);
    for (const of of [1, 2, 3, 7, shards].filter((parts) => parts <= shards)) {
      let [image, shard] = [0, 0];
      for (let index = 0; index < Math.min(of, 1000); index++) {
        const range = partRange(folder, { index, of });
        expect([range.firstShard, range.from]).toEqual([shard, image]);
        expect(range.shards).toBeGreaterThan(0);
        [image, shard] = [range.to, shard + range.shards];
      }
      if (of <= 1000) expect([image, shard]).toEqual([images, shards]);
    }
  }
});

it("is the same to the byte as a recording in one go, in any order of the parts", async () => {
  for (const order of [
    [0, 1, 2],
    [2, 0, 1],
  ]) {
    const cfg = config({ n_parts: 3 });
    for (const [i, part] of order.entries()) {
      const recording = await recordActivations({ ...cfg, part });
      expect(recording.waitingFor).toEqual(order.slice(i + 1).sort());
      expect(recording.resumedAt).toBe([0, 6, 15][part]);
      const folder = await ShardFolder.open(recording.dir);
      expect(folder.complete).toBe(i === 2);
      if (i === 2) expect(digests(recording.dir)).toEqual(whole);
      else
        expect(await recordActivations({ ...cfg, part })).toEqual({
          ...recording,
          resumedAt: [6, 15, 23][part],
        });
    }
    // Whoever comes late finds it done, part or no part.
    expect(await recordActivations({ ...cfg, part: 1 })).toMatchObject({ waitingFor: [], resumedAt: n });
    expect(await recordActivations({ ...cfg, n_parts: 1, part: 0 })).toMatchObject({ resumedAt: n });
  }
});

it("joins holes and labels of patches", async () => {
  const images = path.join(root, "bad");
  cpSync(path.join(root, "images"), images, { recursive: true });
  for (const bad of ["a/003.jpg", "b/013.jpg", "c/022.png"]) truncateSync(path.join(images, bad), 40);
  const options = { onBadImage: "skip", warn: () => {} } as const;
  const one = await recordActivations(config({ data: { root: images } }), options);
  const cfg = config({ data: { root: images }, n_parts: 4 });
  for (const [part, skipped] of [[], [], [13], [3, 13, 22]].entries()) {
    const order = [1, 3, 2, 0];
    const found = await recordActivations({ ...cfg, part: order[part]! }, options);
    const expected = part === 1 ? [22] : skipped;
    expect(found.skipped.map(({ index }) => index)).toEqual(expected);
  }
  expect(digests(path.join(cfg.dump_to, path.basename(one.dir)))).toEqual(digests(one.dir));

  await writeAde20k(path.join(root, "ade"), 7);
  const data = { kind: "ade20k-dataset", root: path.join(root, "ade"), split: "training" };
  const labelled = await recordActivations(config({ data }));
  const parts = config({ data, n_parts: 2 });
  for (const part of [0, 1]) await recordActivations({ ...parts, part });
  const dir = path.join(parts.dump_to, path.basename(labelled.dir));
  expect(readFileSync(path.join(dir, "labels.bin")).length).toBe(7 * 4);
  expect(digests(dir)).toEqual(digests(labelled.dir));
});

it("goes on where a part was stopped, and seals what a process that died while sealing left", async () => {
  const cfg = config({ n_parts: 2 });
  const stop = new AbortController();
  const reason = new Error("enough");
  const stopped = recordActivations(cfg, {
    signal: stop.signal,
    onProgress: ({ done, total }) => {
      expect(total).toBe(12);
      if (done === 8) stop.abort(reason);
    },
  });
  await expect(stopped).rejects.toBe(reason);
  const { dir, resumedAt } = await recordActivations(cfg);
  expect([4, 8]).toContain(resumedAt);
  // The state after some renames: shards of part 0 have their place, the folder is not complete.
  const own = path.join(dir, "parts/0-of-2");
  for (const shard of [0, 1])
    cpSync(path.join(own, `acts00000${shard}.bin`), path.join(dir, `acts00000${shard}.bin`));
  rmSync(path.join(own, "acts000000.bin"));
  await recordActivations({ ...cfg, part: 1 });
  expect(digests(dir)).toEqual(whole);
  // And the state in which only the parts' folder is left to be removed.
  mkdirSync(path.join(dir, "parts/0-of-2"), { recursive: true });
  await recordActivations(cfg);
  expect(existsSync(path.join(dir, "parts"))).toBe(false);
});

it("says what does not fit together, and which parts are missing", async () => {
  const cfg = config({ n_parts: 3, part: 1 });
  const { dir } = await recordActivations(cfg);
  const folder = await ShardFolder.open(dir);
  expect(() => folder.requireComplete()).toThrow(
    "it is recorded in 3 parts, not finished: 0 (not begun), 2 (not begun); run `saev activations` again for these",
  );
  expect(await verifyShards(dir)).toMatchObject({ ok: false, findings: [{ code: "unfinished" }] });
  await expect(recordActivations({ ...cfg, n_parts: 1, part: 0 })).rejects.toThrow(
    /was begun in 3 parts; give n_parts = 3/,
  );
  await expect(recordActivations({ ...cfg, n_parts: 4 })).rejects.toThrow(
    /was begun in 3 parts, not 4; give the same/,
  );
  await expect(recordActivations({ ...cfg, n_parts: 3, part: 3 })).rejects.toThrow(
    /part = 3 .*below n_parts/,
  );
  await expect(recordActivations(config({ n_parts: 9 }))).rejects.toThrow(
    /fill 8 shards of 3, so at most 8 parts/,
  );
  await expect(recordActivations({ ...cfg, part: 0, compute_dtype: "bfloat16" })).rejects.toThrow();

  // The same part twice at a time.
  mkdirSync(path.join(dir, "parts/0-of-3"));
  using _held = FolderLock.take(path.join(dir, "parts/0-of-3"), "busy");
  await expect(recordActivations({ ...cfg, part: 0 })).rejects.toMatchObject({
    code: "IO",
    message: expect.stringMatching(/another process is recording into .*0-of-3/),
  });
  expect(readdirSync(path.join(dir, "parts"))).toHaveLength(2);

  const begun = config();
  const stop = new AbortController();
  const alone = recordActivations(begun, { signal: stop.signal, onProgress: () => stop.abort() });
  await expect(alone).rejects.toThrow();
  const [name = ""] = readdirSync(begun.dump_to);
  if (JSON.parse(readFileSync(path.join(begun.dump_to, name, "saev.json"), "utf8")).images_done > 0)
    await expect(recordActivations({ ...begun, n_parts: 2 })).rejects.toThrow(/were recorded in one go/);
});
