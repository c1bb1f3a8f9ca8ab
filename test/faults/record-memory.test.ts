import { linkSync, mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { scratchFolder } from "../../packages/core-native/src/activations/testing/dataset.js";
import {
  randomNumbers,
  tinyWeights,
  writeTinyClip,
} from "../../packages/core-native/src/vit/testing/tiny-clip.js";
import { runChild } from "./child.js";

// The C library keeps memory that was freed in pieces, some 60 MB until it levels off. Now it gives it back at once, and what
// is measured is what is held.
process.env.MALLOC_MMAP_THRESHOLD_ = "65536";
process.env.MALLOC_ARENA_MAX = "2";

const few = 150;
const many = 4 * few;
const [width, height] = [400, 300];
const model = {
  vision: { image_size: 64, patch_size: 8, width: 128, layers: 6, head_width: 32, mlp_ratio: 2 },
};
/** Activations of an image, as they lie on disk: 200 KB. */
const perImage = 6 * 65 * 128 * 4;

let root: string;
beforeAll(async () => {
  root = scratchFolder("saev-memory-");
  await writeTinyClip(path.join(root, "model"), model, tinyWeights(model, 1, 0.3));
  const random = randomNumbers(1);
  const data = Uint8Array.from({ length: width * height * 3 }, () => 128 + 127 * random());
  const image = path.join(root, "image.jpg");
  await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg()
    .toFile(image);
  for (const n of [few, many]) {
    const folder = path.join(root, `images-${n}`, "a");
    mkdirSync(folder, { recursive: true });
    for (let i = 0; i < n; i++) linkSync(image, path.join(folder, `${i}.jpg`));
  }
}, 60_000);
afterAll(() => rmSync(root, { recursive: true }));

/** Records `n` images in a process of its own. @returns the most memory that it held, in bytes. */
function peak(n: number, batch: number): number {
  const config = {
    data: { root: path.join(root, `images-${n}`) },
    dump_to: path.join(root, `dump-${n}-${batch}`),
    vit_ckpt: path.join(root, "model"),
    vit_layers: [0, 1, 2, 3, 4, 5],
    vit_batch_size: batch,
    n_workers: 2,
    n_patches_per_shard: 6 * 65 * 64,
    device: "cpu",
  };
  const child = runChild("record-memory-child.ts", [JSON.stringify(config)]);
  expect(child.status, child.stderr).toBe(0);
  return (child.lines.at(-1) as { maxRss: number }).maxRss;
}

it("takes no more memory for four times the images", { timeout: 300_000 }, () => {
  const [once, fourTimes] = [peak(few, 16), peak(many, 16)];
  // What 450 images more would take if they were kept: 90 MB of activations, 160 MB of pixels.
  const activations = (many - few) * perImage;
  // Half of the smaller.
  expect(fourTimes - once, `${once} and ${fourTimes} bytes`).toBeLessThan(activations / 2);
});
