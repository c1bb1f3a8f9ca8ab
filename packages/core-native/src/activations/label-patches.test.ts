import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type Activations, parseActivations } from "@saev/config";
import { afterAll, beforeAll, expect, it } from "vitest";
import { patchGrid, patchLabels } from "../datasets/patch-labels.js";
import { writeAde20k } from "../datasets/testing/ade20k.js";
import { decodeImage, openDataset, recordActivations, ViT } from "../index.js";
import { tinyClip, writeTinyClip } from "../vit/testing/tiny-clip.js";
import { scratchFolder } from "./testing/dataset.js";

process.env.OMP_NUM_THREADS = "1";

let root: string;
let cfg: Activations;
beforeAll(async () => {
  root = scratchFolder("saev-labels-");
  await writeTinyClip(path.join(root, "model"));
  await writeAde20k(path.join(root, "ade"), 7);
  cfg = parseActivations({
    data: { kind: "ade20k-dataset", root: path.join(root, "ade"), split: "training" },
    dump_to: path.join(root, "shards"),
    vit_ckpt: path.join(root, "model"),
    vit_batch_size: 3,
    n_workers: 2,
    d_vit: tinyClip.vision.width,
    n_patches_per_img: 4,
    n_patches_per_shard: 20,
    device: "cpu",
  });
});
afterAll(() => rmSync(root, { recursive: true }));

it("writes the classes of all patches beside the shards, again when they are gone, and never half", async () => {
  const { dir } = await recordActivations(cfg);
  const metadata = JSON.parse(readFileSync(path.join(dir, "metadata.json"), "utf8")) as { n_imgs: number };
  expect(metadata.n_imgs).toBe(7);
  const file = path.join(dir, "labels.bin");
  const labels = readFileSync(file);

  using vit = await ViT.load("clip", cfg.vit_ckpt);
  const dataset = await openDataset(cfg.data);
  const expected = [];
  for (let i = 0; i < 7; i++) {
    const pixels = await decodeImage(dataset.segmentation!(i));
    expected.push(...patchLabels(pixels, vit.transform, patchGrid(vit.transform, 4)));
  }
  expect([...labels]).toEqual(expected);
  expect(new Set(labels).size).toBeGreaterThan(3);

  const acts = readFileSync(path.join(dir, "acts000000.bin"));
  rmSync(file);
  expect(await recordActivations(cfg)).toMatchObject({ dir, resumedAt: 7 });
  expect(readFileSync(file)).toEqual(labels);
  expect(readFileSync(path.join(dir, "acts000000.bin"))).toEqual(acts);

  // A segmentation that is none: an error that names it and no file, or label 0.
  rmSync(file);
  const broken = dataset.segmentation!(5);
  const kept = readFileSync(broken);
  writeFileSync(broken, readFileSync(dataset.where(5)));
  try {
    await expect(recordActivations(cfg)).rejects.toThrow(
      `${broken}: expected a grey picture of class numbers, found colours`,
    );
    expect(() => readFileSync(file)).toThrow("ENOENT");
    expect(() => readFileSync(`${file}.part`)).toThrow("ENOENT");
    const warnings: string[] = [];
    await recordActivations(cfg, { onBadImage: "skip", warn: (message) => warnings.push(message) });
    expect([...readFileSync(file)]).toEqual(
      expected.map((label, i) => (Math.floor(i / 4) === 5 ? 0 : label)),
    );
    expect(warnings).toContainEqual(expect.stringContaining("patches labelled 0"));
  } finally {
    writeFileSync(broken, kept);
  }
});
