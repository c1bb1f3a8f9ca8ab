/** The folders of visuals that the reference wrote, made again. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseVisuals, type Visuals } from "@saev/config";
import { decodeImage, readTensor, type Tensor, TensorFile } from "@saev/core";
import { legacyTransform, makeVisuals, overlay, viewOf } from "@saev/visuals";
import type { Outcome } from "../area.js";
import {
  bytesThatDiffer,
  exact,
  largestDifference,
  largestLevel,
  latentTolerance,
  type Mode,
  metadataDifference,
  pngPixels,
  scaleOf,
} from "./compare.js";

/** The largest of each run of `patches` values. */
export function keys(values: Float32Array, patches: number): Float32Array {
  return Float32Array.from({ length: values.length / patches }, (_, i) =>
    values
      .subarray(i * patches, (i + 1) * patches)
      .reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
  );
}

interface Rankings {
  readonly values: Float32Array;
  readonly images: BigInt64Array;
  readonly topK: number;
  readonly patches: number;
}

/**
 * Rankings, latent by latent: sorted keys; images where a key stands alone and above 0 (an image that comes several
 * times has one key, and counts as alone); for those the values of all patches.
 */
function compareRankings(ours: Rankings, theirs: Rankings, slack: number) {
  let keyDifference = 0;
  let wrongImages = 0;
  let patchDifference = 0;
  let compared = 0;
  const { topK, patches } = theirs;
  for (let latent = 0; latent < theirs.images.length / topK; latent++) {
    const from = latent * topK;
    const part = (r: Rankings) => keys(r.values.subarray(from * patches, (from + topK) * patches), patches);
    const [a, b] = [part(ours), part(theirs)];
    const down = (k: Float32Array) => Float32Array.from(k).sort().reverse();
    keyDifference = Math.max(keyDifference, largestDifference(down(a), down(b)));
    for (let i = 0; i < topK; i++) {
      const image = theirs.images[from + i];
      const alone = [...b.keys()].every(
        (j) => Math.abs(b[j]! - b[i]!) > slack || theirs.images[from + j] === image,
      );
      if (!alone || b[i]! <= slack) continue;
      compared++;
      const j = [...a.keys()].find(
        (k) => ours.images[from + k] === image && Math.abs(a[k]! - b[i]!) <= slack,
      );
      if (j === undefined) {
        wrongImages++;
        continue;
      }
      const row = (r: Rankings, at: number) =>
        r.values.subarray((from + at) * patches, (from + at + 1) * patches);
      patchDifference = Math.max(patchDifference, largestDifference(row(ours, j), row(theirs, i)));
    }
  }
  return { keyDifference, wrongImages, patchDifference, compared };
}

export async function* gallery(
  folder: string,
  name: string,
  mode: Mode,
  scratch: string,
): AsyncGenerator<Outcome> {
  const theirs = path.join(folder, "visuals", `sort_by_${name}`);
  // The original ran inside `shards/`.
  const at = (relative: string) => path.resolve(folder, "shards", relative);
  const cfg: Visuals = parseVisuals({
    ...mode.config,
    ckpt: at(mode.config.ckpt),
    data: { ...mode.config.data, shard_root: at(mode.config.data.shard_root) },
    images: { kind: "image-folder-dataset", root: at(mode.config.images.root) },
    dump_to: scratch,
  });
  const made = await makeVisuals(cfg, { legacy: true });
  const subject = (what: string) => `visuals/sort_by_${name} ${what}`;

  using reference = await TensorFile.open(path.join(theirs, "all.safetensors"));
  const files: Record<string, string> = { percentiles: `percentiles_p${cfg.percentile}` };
  let unlike = 0;
  const own: Record<string, Tensor> = {};
  for (const [tensor, shape] of Object.entries(mode.pt_shapes)) {
    const file = `${files[tensor] ?? tensor}.pt`;
    const ours = await readTensor(path.join(made.root, file));
    own[tensor] = ours;
    const dtype = mode.pt_dtypes[tensor]!.replace("torch.", "");
    if (ours.dtype !== dtype || ours.shape.join() !== shape.join()) unlike++;
    const listed = await readTensor(path.join(theirs, file));
    const data = (t: Tensor) => Buffer.from(t.toTypedArray().buffer);
    if (listed.dtype !== dtype || !data(listed).equals(data(reference.get(tensor)))) unlike++;
  }
  yield exact(subject("*.pt"), unlike, "names, dtypes, shapes; theirs read by us");

  const get = (tensor: string) => reference.get(tensor).toFloat32Array();
  const mine = (tensor: string) => own[tensor]!.toFloat32Array();
  const theirValues = get("top_values");
  const scale = scaleOf(theirValues);
  const [, topK = 0, patches = 1] = mode.pt_shapes.top_values!;
  const of = (values: Float32Array, images: Tensor): Rankings => ({
    values,
    images: images.toTypedArray() as BigInt64Array,
    topK,
    patches,
  });
  const ranking = compareRankings(
    of(mine("top_values"), own.top_img_i!),
    of(theirValues, reference.get("top_img_i")),
    latentTolerance * scale,
  );
  const relative = (difference: number, to: number, note: string, what: string): Outcome => ({
    subject: subject(what),
    deviation: difference / to,
    tolerance: latentTolerance,
    note,
  });
  yield relative(
    ranking.keyDifference,
    scale,
    "largest patch of each place, sorted; of the largest value",
    "top_values keys",
  );
  yield exact(subject("top_img_i"), ranking.wrongImages, `of ${ranking.compared} places without a tie`);
  yield relative(
    ranking.patchDifference,
    scale,
    "all patches of those places; of the largest value",
    "top_values",
  );
  for (const tensor of ["mean_values", "distributions"]) {
    yield relative(
      largestDifference(mine(tensor), get(tensor)),
      scaleOf(get(tensor)),
      "of the largest value",
      tensor,
    );
  }
  const rows = mode.pt_shapes.distributions![1]!;
  yield {
    subject: subject("sparsity"),
    deviation: largestDifference(mine("sparsity"), get("sparsity")) * rows,
    tolerance: 1,
    note: "firings",
  };
  yield {
    subject: subject("percentiles"),
    deviation: largestDifference(mine("percentiles"), get("percentiles")),
    // A value next to the estimate may lie on its other side: one step of at most lr · 1 up instead of lr · 0.01 down.
    tolerance: 0.001,
    note: "one step of the estimator",
  };
  const dead = [...mine("sparsity").entries()].filter(([, s]) => s === 0).map(([i]) => i);
  yield exact(subject("dead latents"), mode.dead_latents.filter((d) => !dead.includes(d)).length, "latents");
  yield exact(
    subject("latents in order"),
    mode.neurons_in_order.filter((latent, i) => made.latents[i] !== latent).length +
      Math.abs(made.latents.length - mode.neurons_in_order.length),
    "places",
  );
  yield* pictures(
    theirs,
    made.root,
    mode,
    subject,
    {
      values: theirValues,
      images: reference.get("top_img_i").toTypedArray() as BigInt64Array,
      topK,
      patches,
    },
    cfg,
  );
}

/** Metadata, labels, number of pictures, and pixels: of ours, and drawn from the original's own values. */
async function* pictures(
  theirs: string,
  ours: string,
  mode: Mode,
  subject: (what: string) => string,
  ranking: Rankings,
  cfg: Visuals,
): AsyncGenerator<Outcome> {
  const { ImageFolder } = await import("@saev/core");
  if (cfg.images.kind !== "image-folder-dataset") throw new Error("expected a folder of images");
  const images = await ImageFolder.open(cfg.images.root);
  let metadata = 0;
  let counts = 0;
  let labels = 0;
  let bytes = 0;
  let levels = 0;
  let n = 0;
  for (const [latent, expected] of Object.entries(mode.neurons)) {
    const [mine, other] = [ours, theirs].map((root) => path.join(root, "neurons", latent)) as [
      string,
      string,
    ];
    metadata = Math.max(metadata, metadataDifference(mine, other));
    const count = readdirSync(mine).filter((file) => file.endsWith(".png")).length;
    // A latent that never fires has arbitrary images.
    const dead = mode.dead_latents.includes(Number(latent));
    if (!dead && count !== expected.n_png) counts++;
    if (dead) continue;
    expected.labels.forEach((label, i) => {
      const file = path.join(mine, `${i}.txt`);
      if (!existsSync(file) || readFileSync(file, "utf8") !== label) labels++;
    });
    if (!expected.png_kept) continue;
    for (let i = 0; i < expected.n_png; i++) {
      const theirPicture = await pngPixels(path.join(other, `${i}.png`));
      const myPicture = await pngPixels(path.join(mine, `${i}.png`));
      if (myPicture.channels !== theirPicture.channels) bytes = Number.POSITIVE_INFINITY;
      levels = Math.max(levels, largestLevel(myPicture.data, theirPicture.data));
      bytes += bytesThatDiffer(await redraw(Number(latent), i, ranking, images.images), theirPicture.data);
      n++;
    }
  }
  yield {
    subject: subject("neurons/*/metadata.json"),
    deviation: metadata,
    tolerance: 1e-5,
    note: "keys, and logarithms as float32; null where they have NaN or -Infinity",
  };
  yield exact(subject("neurons/* pictures"), counts, "latents with another number of pictures");
  yield exact(subject("neurons/*.txt"), labels, "labels");
  yield exact(
    subject("neurons/*.png redrawn"),
    bytes,
    `bytes of ${n} pictures, drawn from the original's values`,
  );
  yield {
    subject: subject("neurons/*.png"),
    deviation: levels,
    // A value at the edge of a colour may get the next one: neighbours differ by at most 4 levels, opacity by 1.
    tolerance: 5,
    note: `levels in ${n} pictures, from our own values`,
  };
}

/** The i-th picture of a latent from the original's tables: images once each, in their order. */
async function redraw(
  latent: number,
  i: number,
  { values, images, topK, patches }: Rankings,
  files: readonly { path: string }[],
): Promise<Uint8Array> {
  const from = latent * topK;
  const order = [...new Set(images.subarray(from, from + topK))];
  const at = from + images.subarray(from, from + topK).indexOf(order[i]!);
  const view = await viewOf(await decodeImage(files[Number(order[i])]!.path), legacyTransform);
  if (patches === 1) return view.data;
  const all = values.subarray(from * patches, (from + topK) * patches);
  const upper = all.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return overlay(view, values.subarray(at * patches, (at + 1) * patches), { upper }).data;
}
