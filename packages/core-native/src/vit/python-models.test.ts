import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseActivations } from "@saev/config";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { scratchFolder } from "../activations/testing/dataset.js";
import { recordActivations, TensorFile, ViT, writeSafetensors } from "../index.js";
import { parsePreprocessing, preprocessingText } from "../shards/preprocessing.js";
import { modelFacts } from "./model-facts.js";
import { checkContinuing } from "./testing/continuing.js";
import { hasPythonModels, makePythonModels, type PythonModel } from "./testing/python-models.js";
import { randomNumbers } from "./testing/tiny-clip.js";

// Tiny models gain nothing from threads, and lose much where other processes take the cores.
process.env.OMP_NUM_THREADS = "1";

/** Largest deviation over the root mean square of the block: other orders of summation in float32. */
const tolerance = 2e-5;

/**
 * Of pixels that the model's own code resizes as floats with torch (DINOv3), which finds coordinates in float32: those near
 * 100 are off by up to 4e-6, times the slope of the filter (at most 1) and the range of a normalised pixel (below 5).
 */
const torchTolerance = 2e-5;

function deviation(ours: Float32Array, theirs: Float32Array): number {
  expect(ours.length).toBe(theirs.length);
  let worst = 0;
  let squares = 0;
  for (let i = 0; i < theirs.length; i++) {
    const off = Math.abs(ours[i]! - theirs[i]!);
    if (!(off <= worst)) worst = off; // so that NaN stays
    squares += theirs[i]! ** 2;
  }
  return worst / Math.sqrt(squares / theirs.length);
}

describe.skipIf(!hasPythonModels)("models of transformers and timm", () => {
  let root: string;
  let folder: string;
  let pictures: string[];
  let cases: [string, PythonModel][];
  beforeAll(async () => {
    root = scratchFolder("saev-vit-python-");
    // Both orientations, odd sizes, and one that is enlarged.
    const flat = path.join(root, "pictures");
    mkdirSync(flat);
    const random = randomNumbers(5);
    for (const [i, [width, height]] of [
      [61, 47],
      [53, 97],
      [23, 21],
    ].entries()) {
      const data = Uint8Array.from({ length: width! * height! * 3 }, () => 128 + 127 * random());
      await sharp(data, { raw: { width: width!, height: height!, channels: 3 } })
        .png()
        .toFile(path.join(flat, `${i}.png`));
    }
    pictures = readdirSync(flat)
      .sort()
      .map((name) => path.join(flat, name));
    const made = makePythonModels(flat);
    folder = made.folder;
    cases = Object.entries(made.cases);
  }, 300_000);
  afterAll(() => {
    rmSync(root, { recursive: true, force: true });
    if (folder) rmSync(path.dirname(folder), { recursive: true, force: true });
  });

  it("covers every family that they have", () => {
    expect([...new Set(cases.map(([, { family }]) => family))].sort()).toEqual([
      "dinov2",
      "dinov3",
      "eva",
      "pe",
      "vit",
    ]);
  });

  it("are known from their configs alone", async () => {
    for (const [name, about] of cases) {
      const facts = await modelFacts(about.family, path.join(folder, name));
      expect(facts, name).toMatchObject({
        ...{ nLayers: about.n_layers, dVit: about.d_vit, nPatches: about.n_patches },
        clsToken: about.cls_token,
      });
    }
  });

  it("get the pixels that their own preprocessing gives", async () => {
    for (const [name, { family }] of cases) {
      using vit = await ViT.load(family, path.join(folder, name));
      using reference = await TensorFile.open(path.join(folder, name, "reference.safetensors"));
      using ours = await vit.preprocess(pictures);
      const largest = (tensor: string): number => {
        using theirs = reference.get(tensor);
        expect(ours.shape, name).toEqual(theirs.shape);
        const [a, b] = [ours.toFloat32Array(), theirs.toFloat32Array()];
        return a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i]!)), 0);
      };
      if (family === "dinov3") {
        expect(largest("input"), name).toBeLessThan(torchTolerance);
        expect(largest("pillow"), name).toBe(0);
      } else {
        expect(largest("input"), name).toBe(0);
      }
    }
  });

  it("compute what their own code computes, in every block", async () => {
    for (const [name, about] of cases) {
      using vit = await ViT.load(about.family, path.join(folder, name));
      using reference = await TensorFile.open(path.join(folder, name, "reference.safetensors"));
      using input = reference.get("input");
      using embedded = await vit.embed(input);
      using theirEmbedded = reference.get("embedded");
      expect(embedded.shape, name).toEqual(theirEmbedded.shape);
      expect(deviation(embedded.toFloat32Array(), theirEmbedded.toFloat32Array()), name).toBeLessThan(
        tolerance,
      );

      using blocks = reference.get("blocks"); // [layers, n, tokens, d]
      const [layers, n, tokens, d] = blocks.shape as [number, number, number, number];
      const all = blocks.toFloat32Array();
      const first = Number(about.cls_token);
      /** CLS and patches of a block, without the tokens between them. */
      const recorded = (layer: number): Float32Array => {
        const rows: Float32Array[] = [];
        for (let image = 0; image < n; image++) {
          const at = (layer * n + image) * tokens;
          rows.push(all.subarray(at * d, (at + first) * d));
          rows.push(all.subarray((at + first + about.registers) * d, (at + tokens) * d));
        }
        const joined = new Float32Array(n * vit.nTokens * d);
        let to = 0;
        for (const row of rows) {
          joined.set(row, to);
          to += row.length;
        }
        return joined;
      };
      for (const list of [Array.from({ length: layers }, (_, i) => i), [-1], [-1, 0], [-2]]) {
        using acts = await vit.record(input, list);
        expect(acts.shape, name).toEqual([n, list.length, vit.nTokens, d]);
        for (const [slot, layer] of list.entries()) {
          using ours = acts.narrow(1, slot, 1);
          const theirs = recorded(layer < 0 ? layer + layers : layer);
          expect(deviation(ours.toFloat32Array(), theirs), `${name}, layer ${layer}`).toBeLessThan(tolerance);
        }
      }
    }
  });

  it("end in the embedding that their own code gives", async () => {
    for (const [name, about] of cases) {
      using vit = await ViT.load(about.family, path.join(folder, name));
      using reference = await TensorFile.open(path.join(folder, name, "reference.safetensors"));
      using input = reference.get("input");
      using theirs = reference.get("embedding");
      using ours = await vit.forward(input);
      expect(ours.embedding?.shape, name).toEqual(theirs.shape);
      expect(vit.dEmbedding, name).toBe(theirs.shape[1]);
      expect(deviation(ours.embedding!.toFloat32Array(), theirs.toFloat32Array()), name).toBeLessThan(
        tolerance,
      );
    }
  });

  it("go on from any block to the same bits, and take replacements in both forms", async () => {
    for (const [name, about] of cases) {
      using vit = await ViT.load(about.family, path.join(folder, name));
      using reference = await TensorFile.open(path.join(folder, name, "reference.safetensors"));
      using input = reference.get("input");
      await checkContinuing(vit, input, name);
    }
  });

  it("are compared with the command before any picture is read", async () => {
    const broken = path.join(root, "broken/a");
    mkdirSync(broken, { recursive: true });
    writeFileSync(path.join(broken, "0.png"), "no picture");
    for (const [name, { family, d_vit, n_patches, cls_token, n_layers }] of cases) {
      const recording = recordActivations(
        parseActivations({
          data: { kind: "image-folder-dataset", root: path.join(root, "broken") },
          ...{ vit_family: family, vit_ckpt: path.join(folder, name), device: "cpu" },
          ...{ dump_to: path.join(root, "shards"), vit_layers: [n_layers] },
          ...{ d_vit: d_vit + 1, n_patches_per_img: n_patches + 1, cls_token: !cls_token },
        }),
      );
      await expect(recording, name).rejects.toThrow(
        `d_vit is ${d_vit}, not ${d_vit + 1}; n_patches_per_img is ${n_patches}, not ${n_patches + 1}; ` +
          `cls_token is ${cls_token}, not ${!cls_token}; vit_layers: this model has ${n_layers}`,
      );
    }
  });

  it("say what they do to a picture without their weights, as with them", async () => {
    for (const [name, { family }] of cases) {
      const at = path.join(folder, name);
      using vit = await ViT.load(family, at);
      for (const asked of [family, undefined]) {
        const facts = await modelFacts(asked, at);
        expect(facts, name).toMatchObject({ family, dVit: vit.dVit, nPatches: vit.nPatches });
        expect(facts.transform, name).toEqual(vit.transform);
      }
      expect(parsePreprocessing(preprocessingText(vit.transform), name)).toEqual(vit.transform);
    }
  });

  it("say of which family they are", async () => {
    for (const [name, { family }] of cases) {
      const other = family === "dinov3" ? "vit" : "dinov3";
      const wrong = ViT.load(other, path.join(folder, name));
      await expect(wrong, name).rejects.toThrow(/use vit_family|expected config\.json/);
      if (name.startsWith("dinov") || name.startsWith("vit"))
        await expect(wrong, name).rejects.toThrow(`use vit_family ${family}`);
    }
  });

  it("name every tensor that is missing", async () => {
    for (const [name, { family }] of cases) {
      const weights = readdirSync(path.join(folder, name)).find((file) => /model\.safetensors$/.test(file))!;
      using file = await TensorFile.open(path.join(folder, name, weights));
      const gone = file
        .names()
        .filter((tensor) => /(blocks|layer)\.1\./.test(tensor) && !/decoder/.test(tensor));
      const kept = Object.fromEntries(
        file
          .names()
          .filter((tensor) => !gone.includes(tensor))
          .map((tensor) => [tensor, file.get(tensor)] as const),
      );
      const damaged = path.join(root, "damaged", name);
      cpSync(path.join(folder, name), damaged, { recursive: true });
      await writeSafetensors(path.join(damaged, weights), kept);
      const message = await ViT.load(family, damaged).then(
        () => "",
        (error: Error) => error.message,
      );
      for (const tensor of gone) expect(message, name).toContain(tensor);
    }
  });
});
