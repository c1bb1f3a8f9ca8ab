import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { DataLoad, type Metadata, metadataHash } from "@saev/config";
import {
  ActivationLoader,
  numpyPermutation,
  readTensor,
  SaevError,
  ShardFolder,
  ShardWriter,
  Tensor,
  TensorFile,
} from "@saev/core";
import type { ConformanceArea, Outcome } from "../area.js";

interface Run {
  readonly hash: string;
  readonly config: { readonly vit_batch_size: number };
  readonly metadata: Metadata;
  readonly n_imgs_per_shard: number;
  readonly shard_shape: readonly number[];
  readonly files: Readonly<Record<string, number>>;
  readonly image_order: readonly string[];
}

interface Case {
  readonly id: number;
  readonly patches: DataLoad["patches"];
  readonly layer: DataLoad["layer"];
  readonly scale_mean: boolean | string;
  readonly scale_norm: boolean | string;
  readonly clamp: number;
  readonly n_random_samples: number;
  readonly len: number;
  readonly scalar?: number;
  readonly error_init?: string;
  readonly error_getitem?: string;
}

/** Of sums over rows, relative to the largest value: the reference adds float32 in another order. */
const sumTolerance = 1e-5;

const exact = (subject: string, deviation: number, note?: string): Outcome => ({
  subject,
  deviation,
  tolerance: 0,
  ...(note && { note }),
});

const readJson = <T>(...parts: string[]): T => JSON.parse(readFileSync(path.join(...parts), "utf8")) as T;

/** Entries that differ, missing ones included. */
function differences(a: ArrayLike<unknown>, b: ArrayLike<unknown>): number {
  let n = Math.abs(a.length - b.length);
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (!Object.is(a[i], b[i])) n++;
  return n;
}

/** Largest difference over the largest value of `theirs`. */
function relative(ours: ArrayLike<number>, theirs: ArrayLike<number>): number {
  if (ours.length !== theirs.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let largest = 1e-30;
  for (let i = 0; i < theirs.length; i++) {
    const d = Math.abs(ours[i]! - theirs[i]!);
    if (!(d <= difference)) difference = d;
    largest = Math.max(largest, Math.abs(theirs[i]!));
  }
  return difference / largest;
}

async function* run(reference: string): AsyncIterable<Outcome> {
  const folder = path.join(reference, "shards");
  const scratch = mkdtempSync(path.join(os.tmpdir(), "saev-conformance-"));
  try {
    const runs = readJson<Record<string, Run>>(folder, "index.json");
    for (const [name, recorded] of Object.entries(runs)) yield* reading(folder, name, recorded);
    for (const [name, recorded] of Object.entries(runs)) yield* writing(folder, name, recorded, scratch);
    yield* permutations(folder);
    // The run that the loader's cases were made from.
    const main = runs.main ?? Object.values(runs)[0];
    if (!main) throw new Error("shards/index.json lists no run");
    yield* dataload(folder, main);
    yield* faults(folder, main, scratch);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** What index.json says of a folder, against what we read there. */
async function* reading(folder: string, name: string, recorded: Run): AsyncIterable<Outcome> {
  const subject = `shards/${name}`;
  const shards = await ShardFolder.open(path.join(folder, recorded.hash));
  await shards.checkFiles();
  yield exact(`${subject} hash`, shards.hash === recorded.hash ? 0 : 1);
  yield exact(
    `${subject} metadata`,
    JSON.stringify(shards.metadata) === JSON.stringify(recorded.metadata) ? 0 : 1,
  );
  const { nImgsPerShard, nLayers, nTokens, dVit, bytesPerShard } = shards.layout;
  yield exact(`${subject} shape`, differences([nImgsPerShard, nLayers, nTokens, dVit], recorded.shard_shape));
  const bins = Object.entries(recorded.files).filter(([file]) => file.startsWith("acts"));
  yield exact(`${subject} sizes`, bins.filter(([, size]) => size !== bytesPerShard).length);
  // One more shard may follow, of zeros.
  yield exact(
    `${subject} number of files`,
    bins.length === shards.nShards || bins.length === shards.nShards + 1 ? 0 : 1,
    `${shards.nShards} needed, ${bins.length} there`,
  );
  let nonZero = 0;
  for (const [i, [file]] of bins.entries()) {
    const used = Math.min(nImgsPerShard, Math.max(0, shards.imagesDone - i * nImgsPerShard));
    const rest = readFileSync(path.join(folder, recorded.hash, file)).subarray(
      used * shards.layout.bytesPerImg,
    );
    nonZero += rest.filter((byte) => byte !== 0).length;
  }
  yield exact(`${subject} padding`, nonZero, "bytes after the last image that are not 0");
  yield exact(`${subject} images`, Math.abs(recorded.image_order.length - shards.imagesDone));
}

/** The same activations, written by us, file by file to the byte. */
async function* writing(
  folder: string,
  name: string,
  recorded: Run,
  scratch: string,
): AsyncIterable<Outcome> {
  const shards = await ShardFolder.open(path.join(folder, recorded.hash));
  const { nImgs, nLayers, nTokens, dVit } = shards.layout;
  {
    using writer = await ShardWriter.open(scratch, recorded.metadata);
    for (let image = 0; image < nImgs; image = writer.nextImage) {
      const n = Math.min(recorded.config.vit_batch_size, nImgs - image);
      const images = await Promise.all(Array.from({ length: n }, (_, i) => shards.readImage(image + i)));
      const batch = new Float32Array(n * nLayers * nTokens * dVit);
      for (const [i, values] of images.entries()) batch.set(values, i * values.length);
      using acts = Tensor.from(batch, [n, nLayers, nTokens, dVit]);
      await writer.write(acts);
    }
    await writer.finish();
  }
  const ours = path.join(scratch, recorded.hash);
  for (const file of Object.keys(recorded.files)) {
    const theirs = readFileSync(path.join(folder, recorded.hash, file));
    const written = existsSync(path.join(ours, file)) ? readFileSync(path.join(ours, file)) : undefined;
    if (written === undefined && theirs.every((byte) => byte === 0)) continue; // the spare shard
    yield exact(
      `shards/${name} written ${file}`,
      written ? differences(written, theirs) : 1,
      "bytes that differ",
    );
  }
}

async function* permutations(folder: string): AsyncIterable<Outcome> {
  const { cases } = readJson<{ cases: { seed: number; n: number; permutation: number[] }[] }>(
    folder,
    "numpy_permutation.json",
  );
  for (const { seed, n, permutation } of cases) {
    using ours = await numpyPermutation(seed, n);
    yield exact(`shards/numpy_permutation.json seed ${seed} n ${n}`, differences(numbers(ours), permutation));
  }
}

interface Rows {
  readonly act: Float32Array;
  readonly index: number[];
  readonly imageI: number[];
  readonly patchI: number[];
}

/** All rows of an ordered loader. */
async function rowsOf(loader: ActivationLoader): Promise<Rows> {
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

const numbers = (tensor: Tensor): number[] => Array.from(tensor.toTypedArray() as BigInt64Array, Number);
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

async function* dataload(folder: string, main: Run): AsyncIterable<Outcome> {
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

/** The table of faults: where the original reads wrongly or raises, ours works or says what is wrong. */
async function* faults(folder: string, main: Run, scratch: string): AsyncIterable<Outcome> {
  const source = await ShardFolder.open(path.join(folder, main.hash));
  const { nLayers, nTokens, dVit } = source.layout;
  const nPatches = main.metadata.n_patches_per_img;
  const layer = main.metadata.layers[0]!;

  // Without CLS the original reads rows of the wrong place.
  const metadata: Metadata = { ...main.metadata, cls_token: false, n_imgs: 3, data: "without CLS" };
  const first = main.metadata.cls_token ? 1 : 0;
  const values = new Float32Array(metadata.n_imgs * nLayers * nPatches * dVit);
  for (let image = 0; image < metadata.n_imgs; image++) {
    const x = await source.readImage(image);
    for (let l = 0; l < nLayers; l++) {
      const from = (l * nTokens + first) * dVit;
      values.set(x.subarray(from, from + nPatches * dVit), (image * nLayers + l) * nPatches * dVit);
    }
  }
  {
    using writer = await ShardWriter.open(scratch, metadata);
    using acts = Tensor.from(values, [metadata.n_imgs, nLayers, nPatches, dVit]);
    await writer.write(acts);
    await writer.finish();
  }
  const load = (over: Partial<DataLoad>) => {
    const plain = {
      shard_root: path.join(scratch, metadataHash(metadata)),
      layer,
      scale_mean: false,
      scale_norm: false,
    };
    return DataLoad.parse({ ...plain, ...over });
  };
  {
    using loader = await ActivationLoader.open(load({}), { order: "ordered" });
    const ours = await rowsOf(loader);
    const theirs = Array.from({ length: metadata.n_imgs }, (_, image) => {
      const from = image * nLayers * nPatches * dVit;
      return [...values.subarray(from, from + nPatches * dVit)];
    }).flat();
    yield exact("shards without CLS are read aligned", differences(ours.act, theirs), "values that differ");
  }
  yield await refusal("shards without CLS, patches = cls", /CLS/, () =>
    ActivationLoader.open(load({ patches: "cls" })),
  );
  yield await refusal("a shard too small for one image", /n_patches_per_shard/, () =>
    ShardWriter.open(scratch, { ...metadata, n_patches_per_shard: nLayers * nPatches - 1 }),
  );

  // An interrupted run is told from a finished one.
  const interrupted: Metadata = { ...metadata, data: "interrupted" };
  {
    using writer = await ShardWriter.open(scratch, interrupted);
    using acts = Tensor.from(values.subarray(0, values.length / 3), [1, nLayers, nPatches, dVit]);
    await writer.write(acts);
    await writer.checkpoint();
  }
  yield await refusal("an unfinished recording", /1 of 3/, () =>
    ActivationLoader.open(load({ shard_root: path.join(scratch, metadataHash(interrupted)) })),
  );
  {
    using writer = await ShardWriter.open(scratch, interrupted);
    yield exact("a rerun goes on after the last whole batch", Math.abs(writer.nextImage - 1));
  }

  // An activation above 1000 among the samples.
  const outlier: Metadata = { ...metadata, data: "outlier" };
  values[dVit - 1] = 1e4;
  {
    using writer = await ShardWriter.open(scratch, outlier);
    using acts = Tensor.from(values, [metadata.n_imgs, nLayers, nPatches, dVit]);
    await writer.write(acts);
    await writer.finish();
  }
  const warnings: string[] = [];
  const shard_root = path.join(scratch, metadataHash(outlier));
  (
    await ActivationLoader.open(load({ shard_root, scale_mean: true }), {
      warn: (text) => warnings.push(text),
    })
  ).dispose();
  yield exact(
    "an activation above 1000 is warned of",
    Math.abs(warnings.length - 1),
    warnings[0] ?? "no warning",
  );
}

/** Whether the call rejects with one clear line. */
async function refusal(subject: string, message: RegExp, call: () => Promise<Disposable>): Promise<Outcome> {
  try {
    (await call())[Symbol.dispose]();
  } catch (error) {
    const clear = error instanceof SaevError && message.test(error.message) && !error.message.includes("\n");
    return exact(`${subject} is refused`, clear ? 0 : 1, (error as Error).message.slice(0, 80));
  }
  return exact(`${subject} is refused`, 1, "no error");
}

export const shards: ConformanceArea = { name: "shards", run };
