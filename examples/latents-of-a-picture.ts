/**
 * Which latents a picture activates, live, without shards: picture → ViT → SAE. Prints the strongest latents and where
 * in the picture the first of them fires.
 *
 *   node scripts/run.mjs examples/latents-of-a-picture.ts PICTURE MODEL SAE.pt SHARDS
 *
 * SHARDS are those that the SAE was trained on: they hold the scaling and the layer.
 */
import { DataLoad } from "@saev/config";
import { ActivationLoader, SparseAutoencoder, Tensor, ViT } from "@saev/core";

const [picture, model, checkpoint, shardRoot] = process.argv.slice(2);
if (picture === undefined || model === undefined || checkpoint === undefined || shardRoot === undefined) {
  throw new Error("usage: latents-of-a-picture.ts PICTURE MODEL SAE.pt SHARDS");
}

using vit = await ViT.load("clip", model);
using sae = await SparseAutoencoder.load(checkpoint);
using loader = await ActivationLoader.open(DataLoad.parse({ shard_root: shardRoot }));
const layer = loader.config.layer as number;

using input = await vit.preprocess([picture]);
using recorded = await vit.record(input, [layer]);
const all = recorded.toFloat32Array();
const patches = all.subarray(vit.clsToken ? vit.dVit : 0); // CLS comes first

// What a loader does to every activation, by hand.
const mean = loader.actMean.toFloat32Array();
const scaled = patches.map((x, n) => (x - mean[n % vit.dVit]!) / loader.scalar);
using x = Tensor.from(scaled, [vit.nPatches, vit.dVit]);
using latents = await sae.encode(x);
const fX = latents.toDense();

const strongest = Array.from({ length: sae.dSae }, (_, latent) => {
  let max = 0;
  for (let patch = 0; patch < vit.nPatches; patch++) max = Math.max(max, fX[patch * sae.dSae + latent]!);
  return { latent, max };
}).toSorted((a, b) => b.max - a.max);

for (const { latent, max } of strongest.slice(0, 5)) console.log(`latent ${latent}: ${max.toFixed(2)}`);

const { latent, max } = strongest[0]!;
const side = Math.round(Math.sqrt(vit.nPatches));
console.log(`latent ${latent} over the picture:`);
for (let row = 0; row < side; row++) {
  const cells = Array.from({ length: side }, (_, column) => {
    const value = fX[(row * side + column) * sae.dSae + latent]!;
    return " .:-=+*#%@"[Math.min(9, Math.floor((10 * value) / max))]!;
  });
  console.log(`  ${cells.join(" ")}`);
}
