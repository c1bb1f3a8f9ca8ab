import path from "node:path";
import { DataLoad, type Metadata, metadataHash } from "@saev/config";
import { ActivationLoader, SaevError, ShardFolder, ShardWriter, Tensor } from "@saev/core";
import type { Outcome } from "../area.js";
import { differences, exact, type Run } from "./compare.js";
import { rowsOf } from "./dataload.js";

/** The table of faults: where the original reads wrongly or raises, ours works or says what is wrong. */
export async function* faults(folder: string, main: Run, scratch: string): AsyncIterable<Outcome> {
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
