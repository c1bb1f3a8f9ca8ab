import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { python, runPython } from "../../io/python.test-util.js";
import { TensorFile, writeSafetensors } from "../../io/tensor-file.js";
import { Tensor } from "../../tensor.js";
import type { Activation } from "../activation.js";
import { SparseAutoencoder } from "../sparse-autoencoder.js";
import { exportCheckpoint, recogniseCheckpoint } from "./index.js";

let root: string;
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), "saev-saelens-"));
});
afterAll(() => rmSync(root, { recursive: true }));

const [dVit, dSae, nRows] = [6, 18, 7];
const numbers = (n: number, seed: number) =>
  Float32Array.from({ length: n }, (_, i) => Math.sin(i * 7.1 + seed));
const rows = () => Tensor.from(numbers(nRows * dVit, 9), [nRows, dVit]);

const kinds: [Activation, string][] = [
  [{ kind: "relu" }, "standard"],
  [{ kind: "top-k", topK: 4, relu: true }, "topk"],
  [{ kind: "jump-relu" }, "jumprelu"],
  [{ kind: "batch-top-k", topK: 4, threshold: 0.7 }, "jumprelu"],
  [{ kind: "gated" }, "gated"],
];

function make(activation: Activation, input: "centred" | "raw", threshold = 0.3): SparseAutoencoder {
  return SparseAutoencoder.from(
    {
      wEnc: Tensor.from(numbers(dVit * dSae, 1), [dVit, dSae]),
      bEnc: Tensor.from(numbers(dSae, 2)),
      wDec: Tensor.from(numbers(dVit * dSae, 3), [dSae, dVit]),
      bDec: Tensor.from(numbers(dVit, 4)),
      ...(activation.kind === "jump-relu" && {
        threshold: Tensor.from(numbers(dSae, 5).map((v) => threshold + 0.2 * v)),
      }),
      ...(activation.kind === "gated" && {
        rMag: Tensor.from(numbers(dSae, 6)),
        bMag: Tensor.from(numbers(dSae, 7)),
      }),
    },
    input,
    activation,
  );
}

async function run(sae: SparseAutoencoder) {
  using x = rows();
  using latents = await sae.encode(x);
  using xHat = await sae.decode(latents);
  return { f: latents.toDense(), xHat: xHat.toFloat32Array() };
}

function expectClose(a: ArrayLike<number>, b: ArrayLike<number>) {
  expect(a.length).toBe(b.length);
  // Sums of six products of numbers up to 1, in float32 and in another order.
  for (let i = 0; i < a.length; i++) expect(Math.abs(a[i]! - b[i]!)).toBeLessThan(2e-5);
}

async function written(activation: Activation, input: "centred" | "raw" = "centred") {
  const dir = mkdtempSync(path.join(root, "sae-"));
  using sae = make(activation, input);
  await exportCheckpoint(dir, sae, "saelens");
  return { dir, own: await run(sae) };
}

test("each kind comes back with the same latents, in both conventions", async () => {
  for (const [activation, architecture] of kinds) {
    for (const input of ["centred", "raw"] as const) {
      const { dir, own } = await written(activation, input);
      expect(readdirSync(dir).sort()).toEqual(["cfg.json", "sae_weights.safetensors"]);
      expect(JSON.parse(readFileSync(path.join(dir, "cfg.json"), "utf8"))).toMatchObject({ architecture });
      expect((await recogniseCheckpoint(dir))?.name).toBe("saelens");
      for (const where of [dir, path.join(dir, "sae_weights.safetensors")]) {
        using back = await SparseAutoencoder.load(where);
        expect(back.input).toBe(input);
        const again = await run(back);
        expectClose(again.f, own.f);
        expectClose(again.xHat, own.xHat);
        const [a, b] = [make(activation, input).tensors(), back.tensors()];
        for (const name of ["wEnc", "bEnc", "wDec", "bDec"] as const)
          expect(b[name].toFloat32Array()).toEqual(a[name].toFloat32Array());
        expect(own.f.filter((v) => v !== 0).length).toBeGreaterThan(10);
      }
    }
  }
});

test.skipIf(python === undefined)("plain torch on the documented layout gives the same latents", async () => {
  const { dir, own } = await written({ kind: "jump-relu" }, "raw");
  using x = rows();
  using file = await TensorFile.open(path.join(dir, "sae_weights.safetensors"));
  const values = Object.fromEntries(
    file.names().map((name) => [name, [...file.get(name).toFloat32Array()]] as const),
  );
  const out = runPython(
    `
import json, sys, torch
t = {k: torch.tensor(v) for k, v in json.loads(sys.argv[1]).items()}
h = t["x"].view(${nRows}, ${dVit}) @ t["W_enc"].view(${dVit}, ${dSae}) + t["b_enc"]
print(json.dumps((h.relu() * (h > t["threshold"])).flatten().tolist()))`,
    JSON.stringify({ ...values, x: [...x.toFloat32Array()] }),
  );
  expectClose(own.f, JSON.parse(out) as number[]);
});

const edited = async (activation: Activation, change: object) => {
  const { dir } = await written(activation);
  const file = path.join(dir, "cfg.json");
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), ...change }));
  return dir;
};

test("bfloat16 and float16 weights are read", async () => {
  const dir = await edited({ kind: "relu" }, {});
  const file = path.join(dir, "sae_weights.safetensors");
  // 1 in every weight; the half's next value for b_dec.
  const words = (n: number, bits: number) => new Uint16Array(n).fill(bits);
  rmSync(file);
  await writeSafetensors(file, {
    W_enc: Tensor.from(words(dVit * dSae, 0x3f80), [dVit, dSae], "bfloat16"),
    W_dec: Tensor.from(words(dVit * dSae, 0x3c00), [dSae, dVit], "float16"),
    b_enc: Tensor.from(words(dSae, 0xbf80), [dSae], "bfloat16"),
    b_dec: Tensor.from(words(dVit, 0x0001), [dVit], "float16"),
  });
  using sae = await SparseAutoencoder.load(dir);
  const t = sae.tensors();
  const values = [t.wEnc, t.wDec, t.bEnc, t.bDec].map((tensor) => tensor.toFloat32Array()[0]);
  expect(values).toEqual([1, 1, -1, 2 ** -24]);
});

test("what cannot be held is refused with the reason", async () => {
  const relu: Activation = { kind: "relu" };
  const cases: [object, string, RegExp][] = [
    [{ normalize_activations: "layer_norm" }, "UNSUPPORTED", /depends on each row/],
    [{ normalize_activations: "expected_average_only_in" }, "UNSUPPORTED", /not in the file; fold/],
    [{ normalize_activations: "covariance_whitening" }, "UNSUPPORTED", /not in the file; fold/],
    [{ reshape_activations: "hook_z" }, "UNSUPPORTED", /hook_z/],
    [{ architecture: "temporal" }, "UNSUPPORTED", /architecture temporal/],
    [{ metadata: {} }, "UNSUPPORTED", /before 6/],
    [{ metadata: null }, "UNSUPPORTED", /before 6/],
    [{ d_sae: 17 }, "BAD_FILE", /\[6, 17\]/],
    [{ architecture: "jumprelu" }, "BAD_FILE", /no tensor threshold/],
    [{ architecture: "topk", k: 99 }, "INVALID_ARGUMENT", /99/],
  ];
  for (const [change, code, message] of cases) {
    const dir = await edited(relu, change);
    await expect(SparseAutoencoder.load(dir)).rejects.toMatchObject({ code });
    await expect(SparseAutoencoder.load(dir)).rejects.toThrow(message);
  }
  const { dir } = await written(relu);
  await expect(SparseAutoencoder.load(dir, { input: "raw" })).rejects.toThrow(/leave input out/);
  expect(await recogniseCheckpoint(root)).toBeUndefined();
});

test("nothing is written where the format cannot hold the SAE, or into a folder with files", async () => {
  const out = path.join(root, "refused");
  using keeps = make({ kind: "top-k", topK: 3, relu: false }, "raw");
  await expect(exportCheckpoint(out, keeps, "saelens")).rejects.toThrow(/relu = false/);
  using below = make({ kind: "jump-relu" }, "raw", -0.5);
  await expect(exportCheckpoint(out, below, "saelens")).rejects.toThrow(/threshold of -0/);
  expect(existsSync(out)).toBe(false);
  expect(readdirSync(root).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  mkdirSync(out);
  writeFileSync(path.join(out, "mine.txt"), "");
  using relu = make({ kind: "relu" }, "raw");
  await expect(exportCheckpoint(out, relu, "saelens")).rejects.toThrow(/not empty/);
  await expect(exportCheckpoint(path.join(root, "new"), relu, "tar")).rejects.toThrow(/unknown/);
  expect(readdirSync(out)).toEqual(["mine.txt"]);
});
