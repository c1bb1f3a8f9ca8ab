/** What the visuals benchmark draws: made-up shards, photographs and an SAE, of any number of images. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { metadataOf, metadataText, parseActivations, parseVisuals, type Visuals } from "@saev/config";
import { Tensor, writeSaeFile } from "@saev/core";
import sharp from "sharp";

export const nPatches = 196;
export const dVit = 768;
export const dSae = 6144;
export const topK = 16;

export interface Scene {
  readonly folder: string;
  readonly nImgs: number;
  readonly shards: string;
  /** The only shard. */
  readonly shard: string;
  readonly ckpt: string;
  /** Folder of the photographs, and its files in order. */
  readonly pictures: string;
  readonly images: readonly string[];
}

/** Numbers between −1 and 1 that look random and are the same each time (xorshift32). */
function noise(n: number, seed: number): Float32Array {
  const out = new Float32Array(n);
  let x = seed;
  for (let i = 0; i < n; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    out[i] = x / 2 ** 31;
  }
  return out;
}

/** Photographs of 640 × 480, their {@link writeShards} and the {@link writeSae}. */
export async function makeScene(folder: string, nImgs: number): Promise<Scene> {
  const pictures = path.join(folder, "pictures");
  mkdirSync(path.join(pictures, "class"), { recursive: true });
  const images: string[] = [];
  for (let i = 0; i < nImgs; i++) {
    // Coarse noise, scaled up: as smooth as photographs are, and as large when compressed.
    const coarse = Uint8Array.from(noise(64 * 48 * 3, i + 1), (v) => 128 + 110 * v);
    const file = path.join(pictures, "class", `${String(i).padStart(4, "0")}.jpg`);
    await sharp(coarse, { raw: { width: 64, height: 48, channels: 3 } })
      .resize(640, 480)
      .jpeg()
      .toFile(file);
    images.push(file);
  }
  const shards = writeShards(path.join(folder, "shards"), pictures, nImgs);
  const ckpt = path.join(folder, "sae.pt");
  await writeSae(ckpt);
  return { folder, nImgs, shards, shard: path.join(shards, shardName), ckpt, pictures, images };
}

const shardName = "acts000000.bin";

/** Shards of one layer. @param pictures the folder that they are said to be of. @returns `shards`. */
export function writeShards(shards: string, pictures: string, nImgs: number): string {
  mkdirSync(shards);
  const recording = parseActivations({
    data: { kind: "image-folder-dataset", root: pictures },
    d_vit: dVit,
    vit_layers: [-1],
    n_patches_per_img: nPatches,
    n_patches_per_shard: nImgs * (nPatches + 1),
  });
  writeFileSync(path.join(shards, "metadata.json"), metadataText(metadataOf(recording, nImgs)));
  writeFileSync(path.join(shards, shardName), noise(nImgs * (nPatches + 1) * dVit, 7));
  return shards;
}

/** An SAE of which about 1 % of the latents are active on {@link writeShards}. */
export async function writeSae(ckpt: string): Promise<void> {
  const scale = 1 / Math.sqrt(dVit);
  const weights = () => noise(dVit * dSae, 11).map((v) => v * scale);
  await writeSaeFile(
    ckpt,
    { schema: 1, cls: "Relu", cfg: { d_vit: dVit, exp_factor: dSae / dVit } },
    {
      W_enc: Tensor.from(weights(), [dVit, dSae]),
      // A pre-activation has a standard deviation of 1/3: 2.33 of them leave 1 %.
      b_enc: Tensor.from(new Float32Array(dSae).fill(-0.776)),
      W_dec: Tensor.from(weights(), [dSae, dVit]),
      b_dec: Tensor.from(new Float32Array(dVit)),
    },
  );
}

/** Our config of a job on the scene, whose results go to an empty `name`. */
export function visualsOf(scene: Scene, name: string, nLatents: number): Visuals {
  const dump_to = path.join(scene.folder, name);
  rmSync(dump_to, { recursive: true, force: true });
  return parseVisuals({
    ckpt: scene.ckpt,
    data: { shard_root: scene.shards, layer: -1, scale_mean: false, scale_norm: false },
    images: { kind: "image-folder-dataset", root: scene.pictures },
    top_k: topK,
    n_workers: availableParallelism(),
    device: "cpu",
    dump_to,
    log_freq_range: [-6, 0],
    log_value_range: [-6, 6],
    n_latents: nLatents,
  });
}
