/**
 * The pictures that most activate a latent, and which patch of each does.
 *
 *   node scripts/run.mjs examples/top-images.ts SHARDS SAE.pt IMAGES [LATENT…]
 *
 * SHARDS: the folder with metadata.json. IMAGES: the image folder that was recorded. Without latents, those that fire
 * on about one patch in a hundred.
 */
import { DataLoad } from "@saev/config";
import { ActivationLoader, accumulateTopK, ImageFolder, SparseAutoencoder } from "@saev/core";

const [shardRoot, checkpoint, imageRoot, ...wanted] = process.argv.slice(2);
if (shardRoot === undefined || checkpoint === undefined || imageRoot === undefined) {
  throw new Error("usage: top-images.ts SHARDS SAE.pt IMAGES [LATENT…]");
}

const images = await ImageFolder.open(imageRoot);
using sae = await SparseAutoencoder.load(checkpoint);
using loader = await ActivationLoader.open(DataLoad.parse({ shard_root: shardRoot }), { order: "ordered" });
const patches = loader.folder.metadata.n_patches_per_img;
using statistics = await accumulateTopK(loader, sae, { sortBy: "patch", topK: 3, patches });

const tables = statistics.tables();
const frequency = tables.sparsity.toFloat32Array();
const scores = tables.topScores.toFloat32Array();
const imageI = tables.topImgI.toTypedArray();
const patchI = tables.topPatchI.toTypedArray();

const rare = (latent: number) => Math.abs(Math.log10(frequency[latent]! + 1e-9) + 2);
const byRarity = Array.from(frequency.keys()).toSorted((a, b) => rare(a) - rare(b));
for (const latent of wanted.length > 0 ? wanted.map(Number) : byRarity.slice(0, 3)) {
  console.log(`latent ${latent}: fires on ${(100 * frequency[latent]!).toFixed(2)} % of all patches`);
  for (let k = 0; k < statistics.topK; k++) {
    const n = latent * statistics.topK + k;
    const { path, label } = images.images[Number(imageI[n])]!;
    console.log(`  ${scores[n]!.toFixed(2)}  ${label}  ${path}  (patch ${patchI[n]})`);
  }
}
