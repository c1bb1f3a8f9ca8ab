/** What a training says beforehand that it takes is what it takes. */
import { linkSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { MemoryPlan } from "@saev/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeDataset } from "../../packages/core-native/src/activations/testing/dataset.js";
import {
  scattered,
  writeSyntheticShards,
} from "../../packages/core-native/src/shards/testing/synthetic-shards.js";
import { writeTinyClip } from "../../packages/core-native/src/vit/testing/tiny-clip.js";
import { runChild } from "./child.js";

const dVit = 256;
let root: string;
let shardRoot: string;

beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), "saev-memory-"));
  shardRoot = await writeSyntheticShards(path.join(root, "shards"), {
    ...{ images: 20, patches: 16, dVit, perShard: 1024, values: scattered },
  });
});
afterAll(() => rmSync(root, { recursive: true }));

const config = (sae: object, more: object = {}) => ({
  data: { shard_root: shardRoot, layer: -1, n_random_samples: 200 },
  n_workers: 1,
  n_patches: 300,
  sae: { d_vit: dVit, n_reinit_samples: 200, ...sae },
  sae_batch_size: 128,
  checkpoint_every: 2,
  ckpt_path: path.join(root, "runs"),
  device: "cpu",
  ...more,
});

/** What Node's heap and libraries may add, whatever is trained. */
const slack = 25e6;
// glibc gives a matrix back to the system when it is freed, and does not keep it as it likes.
process.env.MALLOC_MMAP_THRESHOLD_ = String(1 << 20);

test.skipIf(process.platform !== "linux")(
  "parameters, moments, gradients, lists and batches are what they were planned to be, start and end of a run included",
  { timeout: 120_000 },
  () => {
    const kinds = [
      config({ kind: "top-k", top_k: 8, k_aux: 0, d_sae: 64 }),
      config({ kind: "top-k", top_k: 8, k_aux: 0, d_sae: 12000 }),
      config({ kind: "relu", d_sae: 33000 }),
      config(
        { kind: "gated", d_sae: 33000 },
        { grad_clip: 1, objective: { kind: "matryoshka", n_prefixes: 4 } },
      ),
    ];
    // An evaluation compares every latent with every other: one of them shows what it takes, of fewer, in which all pairs would be
    // half a gigabyte.
    const child = runChild("memory-child.ts", [JSON.stringify(kinds), "2"]);
    expect(child.status, child.stdout + child.stderr).toBe(0);
    const [, ...measured] = child.lines as unknown as { planned: MemoryPlan; grown: number }[];
    expect(measured).toHaveLength(kinds.length - 1);
    console.info(
      measured.map(({ planned, grown }) => (grown / planned.total).toFixed(2)),
      measured.map(({ planned, grown }) => `${(grown / planned.parameters).toFixed(2)} × parameters`),
    );
    for (const { planned, grown } of measured) {
      expect(grown, JSON.stringify({ planned, grown })).toBeLessThan(planned.total + slack);
      expect(grown, JSON.stringify({ planned, grown })).toBeGreaterThan(0.6 * planned.total);
      // Parameters, two moments, gradients.
      expect(grown).toBeLessThan(
        4.2 * planned.parameters + planned.pairs + planned.batches + planned.work + slack,
      );
    }
    expect(readdirSync(path.join(root, "runs"))).toHaveLength(kinds.length);
  },
);

test.skipIf(process.platform !== "linux")(
  "live: the ViT, its pictures and the rows of the buffer, a refill and the evaluation at the end included",
  { timeout: 120_000 },
  async () => {
    // Rows that are large beside the work that they are: 196 of 128 for an image, 100 KB.
    const width = 128;
    const vision = { image_size: 56, patch_size: 4, width, layers: 1, head_width: 64, mlp_ratio: 1 };
    await writeTinyClip(path.join(root, "model"), { vision });
    await writeDataset(path.join(root, "pictures"), 1);
    const picture = path.join(root, "pictures/a/000.png");
    const held = 300;
    for (let i = 1; i < 2 * held; i++) linkSync(picture, path.join(root, `pictures/a/more-${i}.png`));
    const live = (buffer: number, n_patches: number) =>
      config(
        { kind: "top-k", top_k: 4, k_aux: 0, d_sae: 128, d_vit: width },
        {
          data: {
            ...{ live: true, vit_ckpt: path.join(root, "model"), vit_batch_size: 8 },
            ...{ layer: -1, n_random_samples: 200 },
          },
          images: { kind: "image-folder-dataset", root: path.join(root, "pictures") },
          ...{ buffer, n_patches, sae_batch_size: 1024 },
          ...{ ckpt_path: path.join(root, "live"), checkpoint_every: 1e6 },
        },
      );
    const rows = held * 196;
    // Half of the buffer is read at a time: this begins with the third half.
    const configs = [live(4000, 10_000), live(rows, Math.round(0.55 * rows))];
    // Small semi-spaces: Node's young heap would grow by up to 40 MB while some hundred pictures pass, and hide what is looked for.
    const child = runChild("memory-child.ts", [JSON.stringify(configs), "2"], ["--max-semi-space-size=1"]);
    expect(child.status, child.stdout + child.stderr).toBe(0);
    const [, measured] = child.lines as unknown as { planned: MemoryPlan; grown: number }[];
    const { planned, grown } = measured!;
    console.info(`live: ${(grown / planned.total).toFixed(2)} of ${(planned.total / 1e6).toFixed(0)} MB`);
    expect(planned.buffer).toBe(rows * width * 4);
    // A half of the buffer that is not given back before the evaluation would be more.
    expect(grown, JSON.stringify(measured)).toBeLessThan(planned.total + planned.buffer / 3);
    expect(grown, JSON.stringify(measured)).toBeGreaterThan(0.6 * planned.total);
  },
);
