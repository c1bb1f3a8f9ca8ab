import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseActivations, parseVisuals, type Visuals } from "@saev/config";
import { recordActivations, SparseAutoencoder, Tensor, TextEncoder, writeSafetensors } from "@saev/core";
import sharp from "sharp";
import { tinyText, tinyTextWeights } from "../../../core-native/src/text/testing/tiny-text.js";
import { randomNumbers, type TinyClip, tinyWeights } from "../../../core-native/src/vit/testing/tiny-clip.js";
import { WordSpace } from "../names/word-space.js";

/** Widths of the model's picture side and of the space that it has in common with texts. */
const dVit = 48;
const dEmbedding = 32;
const dSae = 8;
const nImages = 12;

const clip: TinyClip = {
  vision: { image_size: 16, patch_size: 8, width: dVit, layers: 2, head_width: 12, mlp_ratio: 2 },
};

/** Words that latents of {@link namedRun} may be called. */
export const namedWords =
  "cat dog bird fish tree house car boat cloud river stone flower chair table lamp window door road bridge tower apple bread knife spoon shirt shoe clock mirror guitar drum".split(
    " ",
  );

/** The right name of a latent: {@link namedRun} builds its direction so. */
export const rightName = (latent: number): string => namedWords[(latent * 7) % namedWords.length]!;

/**
 * A small CLIP with both towers, a recording of CLS after its last block, and an SAE whose decoder directions are built so
 * that each moves the model's embedding to what one word has of its own, t (`WordSpace`): t is what `ln_post` and the projection
 * make of the direction d, the shortest without a mean for which Wᵀ d = t.
 */
export async function namedRun(folder: string): Promise<Visuals> {
  const pictures = path.join(folder, "pictures", "all");
  mkdirSync(pictures, { recursive: true });
  const random = randomNumbers(3);
  for (let i = 0; i < nImages; i++) {
    const data = Uint8Array.from({ length: 20 * 20 * 3 }, (_, at) =>
      at % 3 === i % 3 ? 230 : 128 + 100 * random(),
    );
    await sharp(data, { raw: { width: 20, height: 20, channels: 3 } })
      .png()
      .toFile(path.join(pictures, `${i}.png`));
  }
  const model = path.join(folder, "model");
  const projection = await writeModel(model);
  const images = { kind: "image-folder-dataset", root: path.join(folder, "pictures") };
  const { dir } = await recordActivations(
    parseActivations({
      data: images,
      ...{ vit_family: "clip", vit_ckpt: model, vit_layers: [-1], d_vit: dVit, cls_token: true },
      ...{ n_patches_per_img: 4, vit_batch_size: 4, n_workers: 1, device: "cpu" },
      dump_to: path.join(folder, "shards"),
    }),
  );
  const ckpt = path.join(folder, "sae.pt");
  const wEnc = Float32Array.from({ length: dVit * dSae }, () => 0.5 * random());
  using sae = SparseAutoencoder.from({
    wEnc: Tensor.from(wEnc, [dVit, dSae]),
    bEnc: Tensor.from(new Float32Array(dSae).fill(0.2)),
    wDec: Tensor.from(await directions(model, projection), [dSae, dVit]),
    bDec: Tensor.from(new Float32Array(dVit)),
  });
  await sae.save(ckpt);
  return parseVisuals({
    ckpt,
    data: { shard_root: dir, layer: -1, patches: "cls", n_random_samples: 20 },
    images,
    ...{ sort_by: "cls", top_k: 4, n_latents: 1, n_distributions: 2, n_workers: 1, device: "cpu" },
    dump_to: path.join(folder, "out"),
    ...{ log_freq_range: [-6, 0], log_value_range: [-6, 6] },
  });
}

/** @returns the projection, [dVit, dEmbedding]. */
async function writeModel(folder: string): Promise<Float32Array> {
  mkdirSync(folder, { recursive: true });
  const random = randomNumbers(9);
  const weights = new Map(tinyWeights(clip, 2, 0.4));
  const add = (name: string, shape: number[], scale: number, offset = 0) => {
    const data = Float32Array.from(
      { length: shape.reduce((a, b) => a * b, 1) },
      () => offset + scale * random(),
    );
    weights.set(name, { data, shape });
    return data;
  };
  add("visual.ln_post.weight", [dVit], 0, 1);
  add("visual.ln_post.bias", [dVit], 0);
  const projection = add("visual.proj", [dVit, dEmbedding], 1);
  for (const [name, tensor] of tinyTextWeights(tinyText, dEmbedding, 9)) weights.set(name, tensor);
  weights.set("logit_scale", { data: Float32Array.of(Math.log(20)), shape: [] });
  const model_cfg = { embed_dim: dEmbedding, vision_cfg: clip.vision, text_cfg: tinyText };
  writeFileSync(path.join(folder, "open_clip_config.json"), JSON.stringify({ model_cfg }));
  await writeSafetensors(
    path.join(folder, "open_clip_model.safetensors"),
    Object.fromEntries([...weights].map(([name, { data, shape }]) => [name, Tensor.from(data, shape)])),
  );
  return projection;
}

/** [dSae, dVit]: the shortest d with Wᵀ d = t and Σ d = 0, long enough to outweigh what the picture had. */
async function directions(model: string, projection: Float32Array): Promise<Float32Array> {
  using encoder = await TextEncoder.load(model);
  using texts = await encoder.encode(namedWords);
  const words = new WordSpace(texts.toFloat32Array(), dEmbedding);
  const wanted = new Float32Array(dSae * dEmbedding);
  for (let latent = 0; latent < dSae; latent++) {
    const at = namedWords.indexOf(rightName(latent)) * dEmbedding;
    wanted.set(words.rows.subarray(at, at + dEmbedding), latent * dEmbedding);
  }
  const columns = dEmbedding + 1;
  const a = Float64Array.from({ length: dVit * columns }, (_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    return column < dEmbedding ? projection[row * dEmbedding + column]! : 1;
  });
  const gram = Array.from({ length: columns }, (_, i) =>
    Float64Array.from({ length: columns }, (_, k) => {
      let sum = 0;
      for (let r = 0; r < dVit; r++) sum += a[r * columns + i]! * a[r * columns + k]!;
      return sum;
    }),
  );
  const out = new Float32Array(dSae * dVit);
  for (let latent = 0; latent < dSae; latent++) {
    const t = Float64Array.from({ length: columns }, (_, i) =>
      i < dEmbedding ? wanted[latent * dEmbedding + i]! : 0,
    );
    const solved = solve(gram, t);
    for (let r = 0; r < dVit; r++) {
      let sum = 0;
      for (let i = 0; i < columns; i++) sum += a[r * columns + i]! * solved[i]!;
      out[latent * dVit + r] = 1000 * sum;
    }
  }
  return out;
}

/** Gauss with pivots. */
function solve(matrix: readonly Float64Array[], right: Float64Array): Float64Array {
  const m = matrix.map((row, i) => Float64Array.from([...row, right[i]!]));
  const n = m.length;
  for (let c = 0; c < n; c++) {
    let pivot = c;
    for (let r = c + 1; r < n; r++) if (Math.abs(m[r]![c]!) > Math.abs(m[pivot]![c]!)) pivot = r;
    [m[c], m[pivot]] = [m[pivot]!, m[c]!];
    for (let r = 0; r < n; r++) {
      if (r === c) continue;
      const factor = m[r]![c]! / m[c]![c]!;
      for (let k = c; k <= n; k++) m[r]![k]! -= factor * m[c]![k]!;
    }
  }
  return Float64Array.from({ length: n }, (_, i) => m[i]![n]! / m[i]![i]!);
}
