import { readFile } from "node:fs/promises";
import type { Evaluate, ReportedFidelity, ReportedReplacement } from "@saev/config";
import { SaevError } from "../errors.js";
import type { ImageDataset } from "../images/image-dataset.js";
import { readTensor } from "../io/tensor-file.js";
import type { ActivationLoader } from "../loading/activation-loader.js";
import type { LongCallOptions } from "../native/call.js";
import type { SparseAutoencoder } from "../sae/sparse-autoencoder.js";
import type { ShardFolder } from "../shards/shard-folder.js";
import { Tensor } from "../tensor.js";
import { TextEncoder } from "../text/text-encoder.js";
import type { ViTOutputs } from "../vit/outputs.js";
import { ViT } from "../vit/vit.js";

/** What fidelity is measured with. */
export interface FidelityParts {
  readonly sae: SparseAutoencoder;
  /** Gives the scaling: x = (clamp(v) − actMean) / scalar. */
  readonly loader: ActivationLoader;
  readonly shards: ShardFolder;
  readonly dataset: ImageDataset;
  /** float32 [d_vit]: mean activation of the data, scaled. */
  readonly mean: Tensor;
}

const variants = ["reconstruction", "mean", "zero"] as const;
type Variant = (typeof variants)[number];

/**
 * Puts the reconstruction back into the model at the recorded layer, and compares the final embedding with what it is
 * without: beside it, what the mean activation and zeros do in the same place. Replaced are the tokens that the SAE is of:
 * all patches, or CLS.
 * @returns the reason in words when it cannot be measured: the layer is not one, or the model is not on this machine.
 * @throws SaevError as `ViT.preprocess`; `SHAPE_MISMATCH`, `BAD_FILE` for class embeddings that do not fit the model.
 */
export async function measureFidelity(
  cfg: Evaluate,
  parts: FidelityParts,
  options: LongCallOptions = {},
): Promise<ReportedFidelity | { readonly reason: string }> {
  const { layer, patches: tokens } = cfg.data;
  if (typeof layer !== "number") return { reason: `data.layer = "${layer}" is no single layer of the model` };
  if (tokens === "meanpool") return { reason: 'data.patches = "meanpool" has no token to be put back' };
  const vit = await loadModel(parts.shards, options.signal);
  if ("reason" in vit) return vit;
  using _ = vit;
  const classes =
    cfg.text_embeddings === "" ? undefined : await classEmbeddings(cfg.text_embeddings, vit, parts, options);
  const chosen = chosenImages(parts.shards, parts.dataset.length, cfg.n_images);
  const sums = { reconstruction: newSum(), mean: newSum(), zero: newSum() };
  for (let from = 0; from < chosen.length; from += cfg.vit_batch_size) {
    const images = chosen.slice(from, from + cfg.vit_batch_size);
    using input = await vit.preprocess(await Promise.all(images.map((i) => parts.dataset.image(i))), options);
    using stream = await vit.residual(input, layer, { signal: options.signal });
    using before = await vit.continueFrom(layer, stream, { signal: options.signal });
    const expected = unitRows(embeddingOf(before));
    for (const variant of variants) {
      using replacement = await replaced(variant, stream, tokens, vit, parts, options);
      using after = await vit.continueFrom(layer, stream, { replacement, signal: options.signal });
      addTo(sums[variant], expected, unitRows(embeddingOf(after)), classes);
    }
    options.onProgress?.({ done: from + images.length, total: chosen.length });
  }
  const share = (variant: Variant): ReportedReplacement => {
    const { cosine, same } = sums[variant];
    const mean = Math.max(-1, Math.min(1, cosine / chosen.length));
    return { cosine: mean, same_class: classes === undefined ? null : same / chosen.length };
  };
  const [reconstruction, mean, zero] = variants.map(share) as [
    ReportedReplacement,
    ReportedReplacement,
    ReportedReplacement,
  ];
  const recovered = mean.cosine < 1 ? 1 - (1 - reconstruction.cosine) / (1 - mean.cosine) : null;
  return { layer, tokens, images: chosen.length, reconstruction, mean, zero, recovered };
}

/** The model, from this machine; a reason when it is not here. */
async function loadModel(
  { metadata, dir }: ShardFolder,
  signal: AbortSignal | undefined,
): Promise<ViT | { readonly reason: string }> {
  let vit: ViT;
  try {
    vit = await ViT.load(metadata.vit_family, metadata.vit_ckpt, { offline: true, signal });
  } catch (error) {
    if (!(error instanceof SaevError)) throw error;
    return { reason: `the model ${metadata.vit_ckpt} is not at hand (${error.message})` };
  }
  if (vit.dVit === metadata.d_vit && vit.nPatches === metadata.n_patches_per_img) return vit;
  const found = `width ${vit.dVit} and ${vit.nPatches} patches`;
  vit.dispose();
  return {
    reason: `the model ${metadata.vit_ckpt} has ${found} now, ${dir} was recorded with ${metadata.d_vit} and ${metadata.n_patches_per_img}`,
  };
}

/** At most `most` images, evenly spread over those that were recorded. */
function chosenImages({ holes }: ShardFolder, length: number, most: number): number[] {
  const left = new Set(holes);
  const there = Array.from({ length }, (_, i) => i).filter((i) => !left.has(i));
  const n = Math.min(most, there.length);
  return Array.from({ length: n }, (_, i) => there[Math.floor((i * there.length) / n)]!);
}

/**
 * What takes the place of the tokens.
 * @param stream float32 [n, CLS + registers + patches, d_vit].
 */
async function replaced(
  variant: Variant,
  stream: Tensor,
  tokens: "cls" | "patches",
  vit: ViT,
  { sae, loader, mean }: FidelityParts,
  { signal }: LongCallOptions,
): Promise<Tensor> {
  const [n] = stream.shape as [number];
  const { dVit, nPatches } = vit;
  const firstPatch = stream.shape[1]! - nPatches;
  using view = tokens === "cls" ? stream.narrow(1, 0, 1) : stream.narrow(1, firstPatch, nPatches);
  const rows = view.toFloat32Array();
  if (variant === "zero") rows.fill(0);
  else {
    const centre = loader.actMean.toFloat32Array();
    const { scalar } = loader;
    const { clamp } = loader.config;
    let x = rows;
    if (variant === "mean") {
      const one = mean.toFloat32Array();
      for (let i = 0; i < x.length; i++) x[i] = one[i % dVit]!;
    } else {
      for (let i = 0; i < x.length; i++)
        x[i] = (Math.max(-clamp, Math.min(clamp, x[i]!)) - centre[i % dVit]!) / scalar;
      using scaled = Tensor.from(x, [x.length / dVit, dVit]);
      using latents = await sae.encode(scaled, { signal });
      using decoded = await sae.decode(latents, { signal });
      x = decoded.toFloat32Array();
    }
    for (let i = 0; i < x.length; i++) rows[i] = x[i]! * scalar + centre[i % dVit]!;
  }
  if (tokens === "patches") return Tensor.from(rows, [n, nPatches, dVit]);
  // CLS and patches in one: the patches stay as they are.
  using patches = stream.narrow(1, firstPatch, nPatches);
  const kept = patches.toFloat32Array();
  const all = new Float32Array(n * (nPatches + 1) * dVit);
  for (let i = 0; i < n; i++) {
    all.set(rows.subarray(i * dVit, (i + 1) * dVit), i * (nPatches + 1) * dVit);
    all.set(kept.subarray(i * nPatches * dVit, (i + 1) * nPatches * dVit), (i * (nPatches + 1) + 1) * dVit);
  }
  return Tensor.from(all, [n, nPatches + 1, dVit]);
}

interface Rows {
  readonly values: Float32Array;
  readonly width: number;
}

/** The model's embedding; of a model without one, the mean of its last tokens. */
function embeddingOf(outputs: ViTOutputs): Rows {
  if (outputs.embedding !== undefined) {
    const width = outputs.embedding.shape[1]!;
    return { values: outputs.embedding.toFloat32Array(), width };
  }
  const [n, tokens, width] = outputs.tokens.shape as [number, number, number];
  const all = outputs.tokens.toFloat32Array();
  const values = new Float32Array(n * width);
  for (let i = 0; i < n * tokens; i++) {
    const at = Math.floor(i / tokens) * width;
    for (let k = 0; k < width; k++) values[at + k]! += all[i * width + k]! / tokens;
  }
  return { values, width };
}

/** Rows of norm 1; a row of zeros stays. */
function unitRows({ values, width }: Rows): Rows {
  const out = values.slice();
  for (let at = 0; at < out.length; at += width) {
    let square = 0;
    for (let k = 0; k < width; k++) square += out[at + k]! ** 2;
    const norm = square > 0 ? Math.sqrt(square) : 1;
    for (let k = 0; k < width; k++) out[at + k]! /= norm;
  }
  return { values: out, width };
}

const newSum = () => ({ cosine: 0, same: 0 });

function addTo(sum: ReturnType<typeof newSum>, before: Rows, after: Rows, classes: Rows | undefined): void {
  const { width } = before;
  for (let at = 0; at < before.values.length; at += width) {
    sum.cosine += dot(before.values, at, after.values, at, width);
    if (classes === undefined) continue;
    if (nearest(classes, before.values, at) === nearest(classes, after.values, at)) sum.same++;
  }
}

function dot(a: Float32Array, i: number, b: Float32Array, j: number, width: number): number {
  let sum = 0;
  for (let k = 0; k < width; k++) sum += a[i + k]! * b[j + k]!;
  return sum;
}

/** The class whose embedding has the largest cosine; of equals the first. */
function nearest({ values, width }: Rows, row: Float32Array, at: number): number {
  let best = -Infinity;
  let found = 0;
  for (let c = 0; c * width < values.length; c++) {
    const cosine = dot(values, c * width, row, at, width);
    if (cosine > best) {
      best = cosine;
      found = c;
    }
  }
  return found;
}

/** Unit rows of a file of class embeddings, or of class names, one a line, which the model's text tower reads. */
async function classEmbeddings(
  file: string,
  vit: ViT,
  { shards }: FidelityParts,
  { signal }: LongCallOptions,
): Promise<Rows> {
  if (vit.dEmbedding === 0) {
    throw new SaevError(
      "INVALID_ARGUMENT",
      `text_embeddings: ${vit.folder} has no embedding that texts could share; zero-shot labels need a CLIP or SigLIP model`,
    );
  }
  if (file.endsWith(".txt")) {
    const names = await classNames(file);
    using encoder = await TextEncoder.load(shards.metadata.vit_ckpt, { signal });
    using rows = await encoder.encode(names, { signal });
    const [, width = 0] = rows.shape;
    if (width === vit.dEmbedding) return { values: rows.toFloat32Array(), width };
    throw new SaevError(
      "SHAPE_MISMATCH",
      `text_embeddings: texts of ${shards.metadata.vit_ckpt} have ${width} numbers, pictures ${vit.dEmbedding}`,
    );
  }
  using tensor = await readTensor(file);
  const [classes, width] = tensor.shape;
  const fits = tensor.shape.length === 2 && tensor.dtype === "float32" && classes! >= 2;
  if (fits && width === vit.dEmbedding) return unitRows({ values: tensor.toFloat32Array(), width });
  throw new SaevError(
    "SHAPE_MISMATCH",
    `text_embeddings: ${file}: expected float32 [classes, ${vit.dEmbedding}] with two classes or more, found ${tensor.dtype} [${tensor.shape.join(", ")}]`,
  );
}

async function classNames(file: string): Promise<string[]> {
  const text = await readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
    const code = cause.code === "ENOENT" ? "NOT_FOUND" : "IO";
    throw new SaevError(code, `text_embeddings: ${cause.message}`, { cause });
  });
  const lines = text.split("\n").map((line) => line.trim());
  const names = lines.filter((line) => line !== "" && !line.startsWith("#"));
  if (names.length >= 2) return names;
  throw new SaevError("BAD_FILE", `text_embeddings: ${file}: expected two class names or more, one a line`);
}
