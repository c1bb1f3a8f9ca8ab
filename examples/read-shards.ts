/**
 * Looks into a folder of recorded activations: what it holds, its scaling, and the pictures whose patches lie
 * farthest from the mean.
 *
 *   node scripts/run.mjs examples/read-shards.ts FOLDER
 */
import { DataLoad } from "@saev/config";
import { ActivationLoader } from "@saev/core";

const shardRoot = process.argv[2];
if (shardRoot === undefined) throw new Error("usage: read-shards.ts FOLDER (the one with metadata.json)");

// meanpool: one row a picture, the mean of its patches over all recorded layers.
const config = DataLoad.parse({ shard_root: shardRoot, patches: "meanpool", layer: "meanpool" });
using loader = await ActivationLoader.open(config, { order: "ordered" });
const { metadata } = loader.folder;
console.log(`${metadata.n_imgs} images of ${metadata.data}`);
console.log(`${metadata.vit_ckpt}, layers ${metadata.layers.join(" ")}, ${loader.dim} dimensions`);
console.log(`scale ${loader.scalar.toFixed(3)}`);

const distances: { image: number; norm: number }[] = [];
for await (const batch of loader.batches(1024)) {
  using rows = batch;
  const acts = rows.acts.toFloat32Array();
  const images = rows.imageI.toTypedArray();
  for (let r = 0; r < images.length; r++) {
    const row = acts.subarray(r * loader.dim, (r + 1) * loader.dim);
    distances.push({ image: Number(images[r]), norm: Math.hypot(...row) });
  }
}
distances.sort((a, b) => b.norm - a.norm);
for (const { image, norm } of distances.slice(0, 5)) {
  console.log(`image ${image}: ${norm.toFixed(2)} from the mean`);
}
