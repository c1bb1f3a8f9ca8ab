import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { DataLoad, parseActivations } from "@saev/config";
import {
  ActivationLoader,
  decodeImage,
  familyNames,
  interpolatePositions,
  recordActivations,
  Tensor,
  TensorFile,
  ViT,
} from "@saev/core";
import type { ConformanceArea, Outcome } from "../area.js";
import { activationTolerance, deviation, differences, exact, type Model, readJson } from "../vit/compare.js";
import { outputs } from "../vit/outputs.js";

interface Run {
  readonly hash: string;
  readonly config: Readonly<Record<string, unknown>> & { readonly vit_ckpt: string };
  readonly files: Readonly<Record<string, number>>;
}

/** The pictures as `open(…).convert("RGB")` gives them. */
async function* decoded(folder: string): AsyncIterable<Outcome> {
  using file = await TensorFile.open(path.join(folder, "vit/decoded.safetensors"));
  const photos = path.join(folder, "vit/images/photos");
  for (const name of file.names()) {
    using theirs = file.get(name);
    const ours = await decodeImage(path.join(photos, name));
    const sizes = differences([ours.height, ours.width, 3], theirs.shape);
    const bytes = theirs.toTypedArray() as Uint8Array;
    yield exact(`vit/images/photos/${name}`, sizes + differences(ours.data, bytes), "bytes that differ");
  }
}

/** One model: sizes, preprocessing, what enters the blocks, and every block through every layer set. */
async function* model(folder: string, name: string, about: Model): AsyncIterable<Outcome> {
  const subject = `vit/${name}`;
  const dir = path.join(folder, subject);
  using vit = await ViT.load(about.family, dir);
  yield exact(
    `${subject} sizes`,
    differences(
      [vit.nLayers, vit.dVit, vit.nPatches, Number(vit.clsToken)],
      [about.n_layers, about.d_vit, about.n_patches_per_img, Number(about.cls_token)],
    ),
  );
  using inputs = await TensorFile.open(path.join(folder, "vit", about.input));
  using reference = await TensorFile.open(path.join(dir, "reference.safetensors"));
  using input = inputs.get("input");
  const photos = about.image_order.slice(0, input.shape[0]);
  using preprocessed = await vit.preprocess(photos.map((p) => path.join(folder, "vit/images/photos", p)));
  yield exact(
    `${subject} input`,
    differences(preprocessed.toFloat32Array(), input.toFloat32Array()),
    "floats that differ, from the files on",
  );

  const n = about.n_images_in_activations;
  using used = preprocessed.narrow(0, 0, n);
  using block0 = reference.get("block0_input");
  using embedded = await vit.embed(used);
  yield {
    subject: `${subject} block0_input`,
    deviation: deviation(embedded.toFloat32Array(), block0.toFloat32Array()),
    tolerance: activationTolerance,
    note: "relative to the root mean square",
  };
  for (const [set, layers] of Object.entries(about.layer_sets)) {
    using theirs = reference.get(set === "all" ? "activations" : `activations_${set}`);
    const images = set === "all" ? n : about.n_images_in_other_layer_sets;
    using some = preprocessed.narrow(0, 0, images);
    using ours = await vit.record(some, layers);
    // The reference holds layers in the order in which the model runs them; we in the order asked for.
    const resolved = layers.map((layer) => (layer < 0 ? layer + about.n_layers : layer));
    const run = [...resolved].sort((a, b) => a - b);
    for (const [slot, layer] of resolved.entries()) {
      using a = ours.narrow(1, slot, 1);
      using b = theirs.narrow(1, run.indexOf(layer), 1);
      yield {
        subject: `${subject} ${set} layer ${layers[slot]}`,
        deviation: deviation(a.toFloat32Array(), b.toFloat32Array()),
        tolerance: activationTolerance,
        note: "relative to the block's root mean square",
      };
    }
  }
}

/** DINOv2's positional embeddings at other sizes: `pos_embed_AxB`, A pixels of height and B of width. */
async function* positions(folder: string, name: string): AsyncIterable<Outcome> {
  const dir = path.join(folder, "vit", name);
  using reference = await TensorFile.open(path.join(dir, "reference.safetensors"));
  const sizes = reference.names().flatMap((tensor) => {
    const [, height, width] = /^pos_embed_(\d+)x(\d+)$/.exec(tensor) ?? [];
    return height === undefined ? [] : [{ tensor, height: Number(height), width: Number(width) }];
  });
  if (sizes.length === 0) return;
  const { kwargs } = readJson<{ kwargs: Record<string, number | boolean> }>(dir, "config.json");
  using weights = await TensorFile.open(path.join(dir, "model.pth"));
  using stored = weights.get("pos_embed");
  const [, count, d] = stored.shape as [number, number, number];
  const all = stored.toFloat32Array();
  const patch = Number(kwargs.patch_size);
  for (const { tensor, height, width } of sizes) {
    using table = Tensor.from(all.slice(d), [count - 1, d]);
    const same = height === width && (height / patch) * (width / patch) === count - 1;
    using patches = same
      ? table.narrow(0, 0, count - 1)
      : interpolatePositions(table, {
          rows: Math.floor(height / patch),
          columns: Math.floor(width / patch),
          antialias: kwargs.interpolate_antialias === true,
          offset: Number(kwargs.interpolate_offset),
        });
    using theirs = reference.get(tensor);
    yield {
      subject: `vit/${name} ${tensor}`,
      deviation: deviation(
        Float32Array.of(...all.slice(0, d), ...patches.toFloat32Array()),
        theirs.toFloat32Array(),
      ),
      tolerance: activationTolerance,
      note: "relative to the root mean square; PyTorch finds coordinates in float32",
    };
  }
}

/** The pictures recorded into shards, as the command does it, and read back: the activations again. */
async function* recorded(folder: string, name: string, about: Model): AsyncIterable<Outcome> {
  const subject = `vit/${name} recorded`;
  const dump = mkdtempSync(path.join(os.tmpdir(), "saev-conformance-vit-"));
  try {
    const layers = about.layer_sets.all!;
    const { family, n_patches_per_img, cls_token, d_vit, image_order } = about;
    const tokens = n_patches_per_img + Number(cls_token);
    const { dir } = await recordActivations(
      parseActivations({
        ...{ vit_family: family, vit_ckpt: about.vit_ckpt, n_patches_per_img, cls_token, d_vit },
        data: { kind: "image-folder-dataset", root: path.join(folder, "vit/images") },
        vit_layers: layers,
        n_patches_per_shard: image_order.length * layers.length * tokens,
        vit_batch_size: 3,
        dump_to: dump,
        device: "cpu",
      }),
      { ckptDir: path.join(folder, "vit", name) },
    );
    using reference = await TensorFile.open(path.join(folder, "vit", name, "reference.safetensors"));
    using theirs = reference.get("activations");
    const bytes = readFileSync(path.join(dir, "acts000000.bin"));
    const acts = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    yield exact(
      `${subject} size`,
      Math.abs(acts.length - image_order.length * layers.length * tokens * d_vit),
    );
    const expected = theirs.toFloat32Array();
    yield {
      subject: `${subject} activations`,
      deviation: deviation(acts.subarray(0, expected.length), expected),
      tolerance: activationTolerance,
      note: "relative to the root mean square",
    };
    using loader = await ActivationLoader.open(
      DataLoad.parse({ shard_root: dir, layer: layers.at(-1)!, scale_mean: false, scale_norm: false }),
      { order: "ordered" },
    );
    yield exact(`${subject} patches`, Math.abs(loader.length - image_order.length * n_patches_per_img));
    const wrong = await misread(loader, acts, layers.length, tokens, Number(cls_token), d_vit);
    yield exact(`${subject} patches read`, wrong, "rows that are not their patch");
  } finally {
    rmSync(dump, { recursive: true });
  }
}

/** Rows of the loader that are not the last layer of their patch in `acts` [images, layers, tokens, d]. */
async function misread(
  loader: ActivationLoader,
  acts: Float32Array,
  layers: number,
  tokens: number,
  first: number,
  d: number,
): Promise<number> {
  let wrong = 0;
  let row = 0;
  for await (const batch of loader.batches(500)) {
    const rows = batch.acts.toFloat32Array();
    for (let at = 0; at < rows.length; at += d, row++) {
      const image = Math.floor(row / (tokens - first));
      const token = first + (row % (tokens - first));
      const from = ((image * layers + layers - 1) * tokens + token) * d;
      if (differences(rows.subarray(at, at + d), acts.subarray(from, from + d)) > 0) wrong++;
    }
    batch[Symbol.dispose]();
  }
  return wrong;
}

/** Shards recorded anew from the pictures: the folder's name, metadata.json, sizes and contents. */
async function* recordings(folder: string, models: Readonly<Record<string, Model>>): AsyncIterable<Outcome> {
  const index = readJson<Record<string, Run>>(folder, "shards/index.json");
  const dump = mkdtempSync(path.join(os.tmpdir(), "saev-conformance-vit-"));
  const before = process.cwd();
  try {
    process.chdir(path.join(folder, "shards")); // the datasets' roots are relative to it
    for (const [name, { config, hash, files }] of Object.entries(index)) {
      const [model, about] = Object.entries(models).find(([, m]) => m.vit_ckpt === config.vit_ckpt) ?? [];
      if (model === undefined || !familyNames.includes(about!.family)) continue;
      const { dir } = await recordActivations(parseActivations({ ...config, dump_to: dump }), {
        ckptDir: path.join(folder, "vit", model),
      });
      yield exact(`shards ${name} folder name`, path.basename(dir) === hash ? 0 : 1);
      yield* compareFolders(`shards ${name}`, dir, path.join(folder, "shards", hash), files);
    }
  } finally {
    process.chdir(before);
    rmSync(dump, { recursive: true });
  }
}

async function* compareFolders(
  subject: string,
  ours: string,
  theirs: string,
  files: Readonly<Record<string, number>>,
): AsyncIterable<Outcome> {
  const found = new Set(readdirSync(ours));
  for (const [file, size] of Object.entries(files)) {
    const expected = readFileSync(path.join(theirs, file));
    if (!found.delete(file)) {
      // The original opens the next shard as soon as one is full, and leaves it full of zeros.
      yield exact(`${subject} ${file}`, expected.every((byte) => byte === 0) ? 0 : 1, "absent; zeros there");
      continue;
    }
    const bytes = readFileSync(path.join(ours, file));
    yield exact(`${subject} ${file} size`, Math.abs(bytes.length - size), "bytes");
    if (file.endsWith(".json")) {
      yield exact(`${subject} ${file}`, bytes.equals(expected) ? 0 : 1, "text");
    } else {
      const floats = (b: Buffer) => new Float32Array(b.buffer.slice(b.byteOffset, b.byteOffset + b.length));
      yield {
        subject: `${subject} ${file}`,
        deviation: deviation(floats(bytes), floats(expected)),
        tolerance: activationTolerance,
        note: "relative to the file's root mean square",
      };
    }
  }
  for (const ours of ["saev.json", "preprocessing.json", "SHA256SUMS"]) found.delete(ours);
  yield exact(`${subject} other files`, found.size, [...found].join(", "));
}

export const vit: ConformanceArea = {
  name: "vit",
  async *run(folder) {
    yield* decoded(folder);
    const models = readJson<Record<string, Model>>(folder, "vit/models.json");
    for (const [name, about] of Object.entries(models)) {
      if (!familyNames.includes(about.family)) continue;
      yield* model(folder, name, about);
      yield* outputs(folder, name, about);
      yield* positions(folder, name);
      yield* recorded(folder, name, about);
    }
    yield* recordings(folder, models);
  },
};
