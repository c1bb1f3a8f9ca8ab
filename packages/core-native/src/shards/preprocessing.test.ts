import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseActivations } from "@saev/config";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { scratchFolder, writeDataset } from "../activations/testing/dataset.js";
import {
  convertShards,
  recordActivations,
  recordedTransform,
  ShardFolder,
  ViT,
  verifyShards,
} from "../index.js";
import { families } from "../vit/families.js";
import { modelFacts } from "../vit/model-facts.js";
import { tinyClip, writeTinyClip } from "../vit/testing/tiny-clip.js";
import { clipTransform } from "../vit/usual-transforms.js";
import { parsePreprocessing, preprocessingFile, preprocessingText } from "./preprocessing.js";

// Tiny models gain nothing from threads, and lose much where other processes take the cores.
process.env.OMP_NUM_THREADS = "1";

let root: string;
let dir: string;
const model = () => path.join(root, "model");
const config = () =>
  parseActivations({
    data: { root: path.join(root, "images") },
    dump_to: path.join(root, "shards"),
    vit_ckpt: model(),
    vit_layers: [-1],
    vit_batch_size: 2,
    n_patches_per_shard: 20,
    d_vit: tinyClip.vision.width,
    n_patches_per_img: 4,
    device: "cpu",
  });

beforeAll(async () => {
  root = scratchFolder("saev-preprocessing-");
  await writeTinyClip(model());
  await writeDataset(path.join(root, "images"), 5);
  ({ dir } = await recordActivations(config()));
});
afterAll(() => rmSync(root, { recursive: true }));

/** Changes what the model's config says of its pictures. */
function prepare(how: object): void {
  const file = path.join(model(), "open_clip_config.json");
  const text = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, JSON.stringify({ ...text, preprocess_cfg: { ...text.preprocess_cfg, ...how } }));
}

describe("preprocessing.json", () => {
  it.each(families)("keeps everything that $name does to a picture", ({ usual }) => {
    expect(parsePreprocessing(preprocessingText(usual), "f")).toEqual(usual);
  });

  it.each([
    ["[]", /expected a JSON object/],
    ['{"format": 2}', /expected format 1, found 2/],
    [
      preprocessingText(clipTransform).replace("shortest", "biggest"),
      /resize_mode: expected shortest or squash/,
    ],
    [
      preprocessingText(clipTransform).replace("bicubic", "lanczos"),
      /interpolation: expected bicubic or bilinear/,
    ],
    [preprocessingText(clipTransform).replaceAll("224", "0"), /resize: expected a size or two/],
    [preprocessingText(clipTransform).replaceAll("224", "99999"), /sizes up to 16384/],
    [preprocessingText(clipTransform).replace("0.26862954", "0"), /above 0/],
    [preprocessingText(clipTransform).replace("0.4578275", "1e999"), /finite/],
  ])("refuses what is none: %#", (text, message) => {
    expect(() => parsePreprocessing(text, "f")).toThrow(message);
  });

  it("is the model's, whether the model is loaded or only named", async () => {
    using vit = await ViT.load("clip", model());
    const facts = await modelFacts("clip", model());
    expect(facts.transform).toEqual(vit.transform);
    expect(parsePreprocessing(readFileSync(path.join(dir, preprocessingFile), "utf8"), "f")).toEqual(
      vit.transform,
    );
  });

  it("comes along when a folder is converted, and belongs in one", async () => {
    const { dir: other } = await convertShards(dir, "protocol-2.1", path.join(root, "present"));
    expect(readFileSync(path.join(other, preprocessingFile))).toEqual(
      readFileSync(path.join(dir, preprocessingFile)),
    );
    expect((await verifyShards(dir)).findings).toEqual([]);
  });

  it("keeps pictures that are prepared otherwise out of a folder that was begun", async () => {
    const begun = path.join(root, "begun");
    const cfg = { ...config(), dump_to: begun };
    const stop = new AbortController();
    const cut = recordActivations(cfg, {
      signal: stop.signal,
      onProgress: ({ done }) => done > 2 && stop.abort(),
    });
    await expect(cut).rejects.toThrow();
    prepare({ resize_mode: "squash" });
    await expect(recordActivations(cfg)).rejects.toThrow(
      /preprocessing\.json\): its files have changed since; record into another dump_to/,
    );
    prepare({ resize_mode: "shortest" });
    const done = await recordActivations(cfg);
    expect(done.resumedAt).toBeGreaterThan(0);
    const acts = readdirSync(done.dir).filter((name) => name.endsWith(".bin"));
    for (const name of acts)
      expect(readFileSync(path.join(done.dir, name))).toEqual(readFileSync(path.join(dir, name)));
  });
});

describe("recordedTransform", () => {
  it("asks the folder, then the model, then its family", async () => {
    using vit = await ViT.load("clip", model());
    const { transform } = vit;
    expect(await recordedTransform(await ShardFolder.open(dir))).toEqual({ transform, from: "recording" });
    const without = path.join(root, "without");
    cpSync(dir, without, { recursive: true });
    rmSync(path.join(without, preprocessingFile));
    const folder = await ShardFolder.open(without);
    expect(await recordedTransform(folder)).toEqual({ transform, from: "model" });

    const gone = path.join(root, "gone");
    mkdirSync(gone);
    for (const [family, usual] of [
      ...families.map((f) => [f.name, f.usual] as const),
      ["fake-clip", clipTransform],
    ] as const) {
      const metadata = { ...folder.metadata, vit_family: family, vit_ckpt: path.join(root, "nowhere") };
      writeFileSync(path.join(gone, "metadata.json"), JSON.stringify(metadata));
      const found = await recordedTransform(await ShardFolder.open(gone));
      expect(found).toMatchObject({ transform: usual, from: "family" });
      expect(found.note).toContain("does not say how its pictures were prepared");
    }
  });

  it("knows models by name, and by a path from where the work was done", async () => {
    const named = path.join(root, "named");
    mkdirSync(named);
    const { metadata } = await ShardFolder.open(dir);
    const put = (vit_family: string, vit_ckpt: string) => {
      writeFileSync(path.join(named, "metadata.json"), JSON.stringify({ ...metadata, vit_family, vit_ckpt }));
      return ShardFolder.open(named);
    };
    const siglip = await recordedTransform(await put("siglip", "ViT-L-16-SigLIP2-256/webli"));
    expect(siglip).toMatchObject({
      from: "model",
      transform: { mode: "squash", resizeWidth: 256, width: 256 },
    });
    const dinov2 = await recordedTransform(await put("dinov2", "dinov2_vitb14_reg"));
    expect(dinov2).toMatchObject({
      from: "model",
      transform: { mode: "squash", resizeWidth: 256, width: 224 },
    });
    const relative = await put("clip", "model");
    expect(await recordedTransform(relative, root)).toMatchObject({
      from: "model",
      transform: { width: 16 },
    });
    expect(await recordedTransform(relative)).toMatchObject({ from: "family" });
  });
});
