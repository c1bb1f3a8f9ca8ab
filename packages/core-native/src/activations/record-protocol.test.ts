import { readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { type Activations, parseActivations } from "@saev/config";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeAde20k } from "../datasets/testing/ade20k.js";
import { convertShards, recordActivations, ShardFolder, verifyShards } from "../index.js";
import { tinyClip, writeTinyClip } from "../vit/testing/tiny-clip.js";
import { digests, scratchFolder, writeDataset } from "./testing/dataset.js";

process.env.OMP_NUM_THREADS = "1";

let root: string;
let counter = 0;
const fresh = () => path.join(root, `dump-${counter++}`);
const config = (over: Partial<Record<keyof Activations, unknown>>): Activations =>
  parseActivations({
    data: { root: path.join(root, "images") },
    dump_to: fresh(),
    vit_ckpt: path.join(root, "model"),
    vit_batch_size: 4,
    n_workers: 2,
    d_vit: tinyClip.vision.width,
    vit_layers: [-1, 0],
    n_patches_per_img: 4,
    n_patches_per_shard: 2 * 5 * 3, // 3 images
    device: "cpu",
    ...over,
  });
beforeAll(async () => {
  root = scratchFolder("saev-protocol-");
  await writeTinyClip(path.join(root, "model"));
  await writeDataset(path.join(root, "images"), 8);
  await writeAde20k(path.join(root, "it's é"), 7);
});
afterAll(() => rmSync(root, { recursive: true }));

it.each<[string, () => Partial<Record<keyof Activations, unknown>>]>([
  ["an image folder, its last shard not full", () => ({})],
  ["a full last shard", () => ({ n_patches_per_shard: 2 * 5 * 4 })],
  ["halves", () => ({ dtype: "bfloat16" })],
  [
    "segmentations",
    () => ({ data: { kind: "ade20k-dataset", root: path.join(root, "it's é"), split: "training" } }),
  ],
])("is what convert makes of the document's layout: %s", async (_, over) => {
  const document = await recordActivations(config(over()));
  const converted = await convertShards(document.dir, "protocol-2.1", fresh());
  const { "converted-from.json": _origin, ...expected } = digests(converted.dir);
  const cfg = config({ ...over(), protocol: "2.1" });
  const direct = await recordActivations(cfg);
  expect(path.basename(direct.dir)).toBe(path.basename(converted.dir));
  expect(digests(direct.dir)).toEqual(expected);
  expect(readdirSync(direct.dir).includes("labels.bin")).toBe("data" in over());
  expect(await verifyShards(direct.dir)).toMatchObject({ ok: true, format: "protocol-2.1" });
  expect(await recordActivations(cfg)).toEqual({ ...direct, resumedAt: direct.nImgs });

  const inParts = config({ ...over(), protocol: "2.1", n_parts: 2 });
  await recordActivations({ ...inParts, part: 1 });
  const { dir } = await recordActivations(inParts);
  expect(digests(dir)).toEqual(expected);
});

it("is unfinished until shards.json is there, and goes on", async () => {
  const cfg = config({ protocol: "2.1" });
  const stop = new AbortController();
  const reason = new Error("enough");
  const stopped = recordActivations(cfg, {
    signal: stop.signal,
    onProgress: ({ done }) => done === 8 && stop.abort(reason),
  });
  await expect(stopped).rejects.toBe(reason);
  const [name = ""] = readdirSync(cfg.dump_to);
  const dir = path.join(cfg.dump_to, name);
  expect(readdirSync(dir)).not.toContain("shards.json");
  const folder = await ShardFolder.open(dir);
  expect(folder).toMatchObject({ complete: false, format: "protocol-2.1", hasOwnName: true });
  await recordActivations(cfg);
  expect(JSON.parse(readFileSync(path.join(dir, "shards.json"), "utf8"))).toEqual([
    { name: "acts000000.bin", n_examples: 3 },
    { name: "acts000001.bin", n_examples: 3 },
    { name: "acts000002.bin", n_examples: 2 },
  ]);
  expect((await ShardFolder.open(dir)).complete).toBe(true);
});
