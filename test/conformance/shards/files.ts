/** Folders and their files, read and written. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { numpyPermutation, ShardFolder, ShardWriter, Tensor } from "@saev/core";
import type { Outcome } from "../area.js";
import { differences, exact, type Run, readJson } from "./compare.js";
import { numbers } from "./dataload.js";

/** What index.json says of a folder, against what we read there. */
export async function* reading(folder: string, name: string, recorded: Run): AsyncIterable<Outcome> {
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
export async function* writing(
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

export async function* permutations(folder: string): AsyncIterable<Outcome> {
  const { cases } = readJson<{ cases: { seed: number; n: number; permutation: number[] }[] }>(
    folder,
    "numpy_permutation.json",
  );
  for (const { seed, n, permutation } of cases) {
    using ours = await numpyPermutation(seed, n);
    yield exact(`shards/numpy_permutation.json seed ${seed} n ${n}`, differences(numbers(ours), permutation));
  }
}
