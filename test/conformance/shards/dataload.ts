import path from "node:path";
import { DataLoad } from "@saev/config";
import {
  ActivationLoader,
  numpyPermutation,
  readTensor,
  ShardFolder,
  type Tensor,
  TensorFile,
} from "@saev/core";
import type { Outcome } from "../area.js";
import { type Case, differences, exact, type Run, readJson, relative, sumTolerance } from "./compare.js";

interface Rows {
  readonly act: Float32Array;
  readonly index: number[];
  readonly imageI: number[];
  readonly patchI: number[];
}

/** All rows of an ordered loader. */
export async function rowsOf(loader: ActivationLoader): Promise<Rows> {
  const rows = {
    act: new Float32Array(loader.length * loader.dim),
    index: [],
    imageI: [],
    patchI: [],
  } as Rows;
  for await (const batch of loader.batches(100)) {
    rows.act.set(batch.acts.toFloat32Array(), rows.index.length * loader.dim);
    rows.index.push(...numbers(batch.index));
    rows.imageI.push(...numbers(batch.imageI));
    rows.patchI.push(...numbers(batch.patchI));
    batch[Symbol.dispose]();
  }
  return rows;
}

export const numbers = (tensor: Tensor): number[] =>
  Array.from(tensor.toTypedArray() as BigInt64Array, Number);

const floats = (tensor: Tensor): Float32Array => tensor.toFloat32Array();

/** The rows of a case before scaling, clamped, written the slow way from the definition. */
async function plainRows(shards: ShardFolder, c: Case): Promise<number[][]> {
  const { nLayers, nTokens, dVit } = shards.layout;
  const firstPatch = shards.metadata.cls_token ? 1 : 0;
  const patches = Array.from({ length: nTokens - firstPatch }, (_, i) => i + firstPatch);
  const tokenSets =
    c.patches === "cls" ? [[0]] : c.patches === "meanpool" ? [patches] : patches.map((p) => [p]);
  const all = Array.from({ length: nLayers }, (_, i) => i);
  const layerSets =
    c.layer === "meanpool" ? [all] : c.layer === "all" ? all.map((l) => [l]) : [[shards.layerPlace(c.layer)]];
  const rows: number[][] = [];
  for (let image = 0; image < shards.imagesDone; image++) {
    const x = await shards.readImage(image);
    for (const layers of layerSets) {
      for (const tokens of tokenSets) {
        const row = new Array<number>(dVit).fill(0);
        for (const layer of layers) {
          for (const token of tokens) {
            for (let k = 0; k < dVit; k++) row[k] = row[k]! + x[(layer * nTokens + token) * dVit + k]!;
          }
        }
        const clamp = (v: number) => Math.min(Math.max(Math.fround(v), -c.clamp), c.clamp);
        rows.push(row.map((v) => clamp(v / layers.length / tokens.length)));
      }
    }
  }
  return rows;
}

/** `act_mean` and `scalar` from the definition, in double precision. */
async function plainScaling(rows: number[][], c: Case, folder: string) {
  const d = rows[0]!.length;
  using permutation = await numpyPermutation(42, rows.length);
  const order = numbers(permutation).slice(0, c.n_random_samples);
  let mean = new Array<number>(d).fill(0);
  if (typeof c.scale_mean === "string") {
    using file = await readTensor(path.join(folder, c.scale_mean));
    mean = [...floats(file)];
  } else if (c.scale_mean) {
    mean = mean.map((_, k) => order.reduce((sum, i) => sum + rows[i]![k]!, 0) / order.length);
  }
  let scalar = 1;
  if (typeof c.scale_norm === "string") {
    using file = await readTensor(path.join(folder, c.scale_norm));
    scalar = floats(file)[0]!;
  } else if (c.scale_norm) {
    const norms = order.map((i) => Math.sqrt(rows[i]!.reduce((sum, v, k) => sum + (v - mean[k]!) ** 2, 0)));
    scalar = norms.reduce((a, b) => a + b, 0) / norms.length / Math.sqrt(d);
  }
  return { mean, scalar };
}

/** The original mixes up files and computed scaling when both are asked for; ours follows the document. */
const originalIgnores = (c: Case) =>
  typeof c.scale_mean === "string"
    ? c.scale_norm !== false
    : typeof c.scale_norm === "string" && c.scale_mean !== false;

export async function* dataload(folder: string, main: Run): AsyncIterable<Outcome> {
  const shards = await ShardFolder.open(path.join(folder, main.hash));
  using tensors = await TensorFile.open(path.join(folder, "dataload", "cases.safetensors"));
  const get = (c: Case, name: string) => tensors.get(`case${String(c.id).padStart(3, "0")}.${name}`);
  for (const c of readJson<Case[]>(folder, "dataload", "cases.json")) {
    const subject = `shards/dataload case ${c.id} (${c.patches}, ${c.layer})`;
    const inFolder = (scale: boolean | string) =>
      typeof scale === "string" ? path.join(folder, scale) : scale;
    const config = DataLoad.parse({
      shard_root: shards.dir,
      patches: c.patches,
      layer: c.layer,
      clamp: c.clamp,
      n_random_samples: c.n_random_samples,
      scale_mean: inFolder(c.scale_mean),
      scale_norm: inFolder(c.scale_norm),
    });
    using loader = await ActivationLoader.open(config, { order: "ordered", nWorkers: c.id % 3 });
    const ours = await rowsOf(loader);
    yield exact(`${subject} length`, Math.abs(loader.length - c.len));

    // Against the definition: all cases, those where the original raises or mixes things up included.
    const rows = await plainRows(shards, c);
    const { mean, scalar } = await plainScaling(rows, c, folder);
    const act = rows.flatMap((row) => row.map((v, k) => (v - mean[k]!) / scalar));
    const raised = c.error_init ?? c.error_getitem;
    yield {
      subject: `${subject} by definition`,
      deviation: Math.max(
        relative(ours.act, act),
        relative(floats(loader.actMean), mean),
        Math.abs(loader.scalar / scalar - 1),
      ),
      tolerance: sumTolerance,
      note: raised
        ? `the original raises ${raised}`
        : originalIgnores(c)
          ? "the original ignores a file"
          : "all rows",
    };
    if (raised) continue;

    const index = numbers(get(c, "index"));
    yield exact(
      `${subject} image and patch`,
      differences(
        index.map((i) => ours.imageI[i]),
        numbers(get(c, "image_i")),
      ) +
        differences(
          index.map((i) => ours.patchI[i]),
          numbers(get(c, "patch_i")),
        ) +
        index.filter((i) => ours.index[i] !== i).length,
    );
    if (originalIgnores(c)) continue;
    const theirs = floats(get(c, "act"));
    const picked = Float32Array.from({ length: theirs.length }, (_, i) => {
      const row = index[Math.floor(i / loader.dim)]!;
      return ours.act[row * loader.dim + (i % loader.dim)]!;
    });
    const copies =
      c.scale_mean === false && c.scale_norm === false && c.patches !== "meanpool" && c.layer !== "meanpool";
    yield {
      subject: `${subject} act`,
      deviation: relative(picked, theirs),
      tolerance: copies ? 0 : sumTolerance,
    };
    yield {
      subject: `${subject} act_mean`,
      deviation: relative(floats(loader.actMean), floats(get(c, "act_mean"))),
      tolerance: sumTolerance,
    };
    yield {
      subject: `${subject} scalar`,
      deviation: Math.abs(loader.scalar / floats(get(c, "scalar"))[0]! - 1),
      tolerance: sumTolerance,
    };
  }
}
