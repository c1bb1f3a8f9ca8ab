import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readSaeFile, writeSaeFile } from "../io/sae-file.js";
import { Tensor } from "../tensor.js";
import { loadCheckpoint } from "./checkpoint.js";
import { exportForPython } from "./python-checkpoint.js";
import type { PythonSchema } from "./python-schemas.js";
import { saveCheckpoint } from "./save-checkpoint.js";
import { SparseAutoencoder } from "./sparse-autoencoder.js";

let root: string;
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), "saev-checkpoint-"));
});
afterAll(() => rmSync(root, { recursive: true }));

const dVit = 6;
const dSae = 18;
const numbers = (n: number, seed: number) =>
  Float32Array.from({ length: n }, (_, i) => Math.sin(i * 7.1 + seed));
const tensors = () => ({
  W_enc: Tensor.from(numbers(dVit * dSae, 1), [dVit, dSae]),
  b_enc: Tensor.from(numbers(dSae, 2)),
  W_dec: Tensor.from(numbers(dVit * dSae, 3), [dSae, dVit]),
  b_dec: Tensor.from(numbers(dVit, 4)),
});
const relu = { cls: "Relu", params: { key: "relu" } };

async function written(header: Record<string, unknown>, entries: Record<string, Tensor> = tensors()) {
  const file = path.join(root, `${Math.random().toString(36).slice(2)}.pt`);
  await writeSaeFile(file, header, entries);
  return file;
}

test("what is saved is loaded again, bit by bit", async () => {
  const t = tensors();
  using sae = SparseAutoencoder.from({ wEnc: t.W_enc, bEnc: t.b_enc, wDec: t.W_dec, bDec: t.b_dec });
  const file = path.join(root, "sae.pt");
  await sae.save(file, { seed: 7, n_reinit_samples: 12 });
  const { sae: back, header } = await loadCheckpoint(file);
  expect(header).toMatchObject({ schema: 1, dVit, dSae, input: "centred" });
  expect(header.cfg).toMatchObject({ d_vit: dVit, exp_factor: 3, seed: 7, n_reinit_samples: 12 });
  expect(back.tensors().wEnc.toFloat32Array()).toEqual(t.W_enc.toFloat32Array());
  expect(back.tensors().bDec.toFloat32Array()).toEqual(t.b_dec.toFloat32Array());
});

test("the encoder's input follows from the header and can be forced", async () => {
  const cases: [Record<string, unknown>, string][] = [
    [{ d_vit: dVit, exp_factor: 3, sparsity_coeff: 1, ghost_grads: false }, "centred"],
    [{ schema: 1, cfg: { d_vit: dVit, exp_factor: 3 }, cls: "Relu" }, "centred"],
    [{ schema: 2, cfg: { d_vit: dVit, exp_factor: 3, activation: { key: "relu" } } }, "raw"],
    [{ schema: 3, cfg: { d_model: dVit, d_sae: dSae, activation: relu } }, "raw"],
    [{ schema: 5, cfg: { d_model: dVit, d_sae: dSae, activation: relu } }, "raw"],
  ];
  for (const [header, input] of cases) {
    const file = await written(header);
    expect((await loadCheckpoint(file)).sae.input).toBe(input);
    expect((await loadCheckpoint(file, { input: "raw" })).sae.input).toBe("raw");
    expect((await SparseAutoencoder.load(file, { input: "centred" })).input).toBe("centred");
  }
});

test("an SAE that encodes x itself keeps its latents when saved as schema 1", async () => {
  const t = tensors();
  using raw = SparseAutoencoder.from({ wEnc: t.W_enc, bEnc: t.b_enc, wDec: t.W_dec, bDec: t.b_dec }, "raw");
  const file = path.join(root, "raw.pt");
  await saveCheckpoint(file, raw);
  using back = (await loadCheckpoint(file)).sae;
  using x = Tensor.from(numbers(5 * dVit, 9), [5, dVit]);
  const [a, b] = [(await raw.encode(x)).toDense(), (await back.encode(x)).toDense()];
  for (const [i, v] of a.entries()) expect(b[i]).toBeCloseTo(v, 5);
});

test("for the Python package an SAE is written in the schema that is asked for, the same bits where it was read in it", async () => {
  const topK = { cls: "TopK", params: { top_k: 4 } };
  const batchTopK = { cls: "BatchTopK", params: { top_k: 4, momentum: 0.2 } };
  const plain = { cls: "Relu", params: {} };
  const sizes = { d_model: dVit, d_sae: dSae };
  const rest = { n_reinit_samples: 9, remove_parallel_grads: true, normalize_w_dec: false, seed: 8 };
  const lib = { commit: "3d73f1f", lib: "0.1.0" };
  const times3 = { d_vit: dVit, exp_factor: 3 };
  const sources: [Record<string, unknown>, PythonSchema, PythonSchema[]][] = [
    [{ ...times3, sparsity_coeff: 1, ghost_grads: false, ...rest }, "pre-schema", [1, 2, 3, 4, 5]],
    [{ schema: 1, cfg: { ...times3, ...rest }, cls: "Relu", ...lib }, 1, ["pre-schema", 2, 3, 4, 5]],
    [{ schema: 2, cfg: { ...times3, ...rest, activation: plain }, ...lib }, 2, ["pre-schema", 1, 3, 4, 5]],
    [{ schema: 2, cfg: { ...times3, ...rest, activation: topK }, ...lib }, 2, [3, 4, 5]],
    [{ schema: 3, cfg: { d_model: dVit, exp_factor: 3, ...rest, activation: topK }, ...lib }, 3, [2, 4, 5]],
    [{ schema: 4, cfg: { ...sizes, ...rest, activation: topK }, ...lib }, 4, [2, 3, 5]],
    [{ schema: 4, cfg: { ...sizes, ...rest, activation: batchTopK }, ...lib }, 4, [5]],
    [{ schema: 5, cfg: { ...sizes, activation: relu }, ...lib }, 5, ["pre-schema", 1, 2, 3, 4]],
    [
      { schema: 5, cfg: { ...sizes, activation: { ...topK, params: { key: "top-k", top_k: 4 } } } },
      5,
      [2, 3, 4],
    ],
  ];
  using x = Tensor.from(numbers(5 * dVit, 9), [5, dVit]);
  for (const [source, own, others] of sources) {
    const { cls } = ((source.cfg as (typeof sources)[0][0])?.activation ?? plain) as typeof plain;
    const threshold = { "activation.threshold": Tensor.from(Float32Array.of(0.3), []) };
    const file = await written(source, { ...tensors(), ...(cls === "BatchTopK" && threshold) });
    using sae = await SparseAutoencoder.load(file);
    for (const schema of ["pre-schema", 1, 2, 3, 4, 5] as const) {
      const dir = mkdtempSync(path.join(root, "python-"));
      if (schema !== own && !others.includes(schema)) {
        await expect(exportForPython(dir, sae, schema)).rejects.toThrow(
          / holds relu.* SAEs.*this one is .*top-k/,
        );
        continue;
      }
      expect(await exportForPython(dir, sae, schema)).toEqual([]);
      const there = path.join(dir, "sae.pt");
      const { sae: back, header } = await loadCheckpoint(there);
      const centred = schema === "pre-schema" || schema === 1;
      expect([header.schema ?? "pre-schema", back.input]).toEqual([schema, centred ? "centred" : "raw"]);
      expect(back.activation).toEqual(sae.activation);
      const [a, b] = [(await sae.encode(x)).toDense(), (await back.encode(x)).toDense()];
      for (const [i, v] of a.entries()) expect(b[i]).toBeCloseTo(v, 5);
      const { header: line, tensors: inside } = await readSaeFile(there);
      // The package refuses a whole number for a float.
      if (schema === 5 && own === 1)
        expect(readFileSync(there, "latin1")).toMatch(/"coeff":0\.0\}.*"reinit_blend":0\.0,/);
      expect([...inside.keys()].slice(0, 4)).toEqual(
        schema === 5 ? ["W_dec", "b_dec", "W_enc", "b_enc"] : ["W_enc", "b_enc", "W_dec", "b_dec"],
      );
      // In its own schema: the same JSON, the same bits. In another, the fields that this one has.
      if (schema === own) {
        expect(line).toEqual(source);
        for (const [name, tensor] of (await readSaeFile(file)).tensors)
          expect(inside.get(name)?.toFloat32Array()).toEqual(tensor.toFloat32Array());
      } else {
        const like = sources.find(([, other]) => other === schema)?.[0] ?? {};
        expect(Object.keys(line)).toEqual(expect.arrayContaining(Object.keys(like)));
        expect(Object.keys(line)).toHaveLength(Object.keys(like).length);
        if (schema !== "pre-schema" && schema !== 5)
          expect(Object.keys(line.cfg as object)).toEqual(Object.keys(like.cfg as object));
      }
      await expect(exportForPython(dir, sae, schema)).rejects.toThrow(/is there already/);
    }
  }
  const t = tensors();
  const own = { wEnc: t.W_enc, bEnc: t.b_enc, wDec: t.W_dec, bDec: t.b_dec };
  using ours = SparseAutoencoder.from(own, "centred", { kind: "top-k", topK: 4, relu: true });
  ours.scaling = { actMean: numbers(dVit, 11), scalar: 2 };
  const dir = path.join(root, "python-ours");
  await expect(exportForPython(dir, ours, "pre-schema")).rejects.toThrow(
    /has no place for scaling; schema 1/,
  );
  expect(await exportForPython(dir, ours, 5)).toEqual([
    expect.stringMatching(/^its scaling is in the header/),
    expect.stringMatching(/^the ReLU after its selection is not kept/),
  ]);
  const gates = { rMag: Tensor.from(numbers(dSae, 6)), bMag: Tensor.from(numbers(dSae, 7)) };
  using gated = SparseAutoencoder.from({ ...own, ...gates }, "raw", { kind: "gated" });
  await expect(exportForPython(dir, gated, 5)).rejects.toThrow(
    /has relu, top-k and batch-top-k SAEs; .* gated/,
  );
});

test("jump-relu and gated SAEs keep their latents in both conventions", async () => {
  const kinds = {
    "jump-relu": { threshold: Tensor.from(numbers(dSae, 5).map((v) => 0.3 + 0.2 * v)) },
    gated: { rMag: Tensor.from(numbers(dSae, 6)), bMag: Tensor.from(numbers(dSae, 7)) },
  };
  for (const [kind, own] of Object.entries(kinds) as ["jump-relu" | "gated", object][]) {
    for (const input of ["centred", "raw"] as const) {
      const t = tensors();
      const all = { wEnc: t.W_enc, bEnc: t.b_enc, wDec: t.W_dec, bDec: t.b_dec, ...own };
      using sae = SparseAutoencoder.from(all, input, { kind });
      const file = path.join(root, `${kind}-${input}.pt`);
      await sae.save(file);
      const { sae: back, header } = await loadCheckpoint(file);
      expect([header.schema, back.activation, back.input]).toEqual([5, { kind }, "raw"]);
      using x = Tensor.from(numbers(5 * dVit, 9), [5, dVit]);
      using latents = await sae.encode(x);
      const [a, b] = [latents.toDense(), (await back.encode(x)).toDense()];
      for (const [i, v] of a.entries()) expect(b[i]).toBeCloseTo(v, 5);
      expect(latents.nnz).toBe(a.filter((v) => v !== 0).length);
      // By the formula.
      const f = formula(x.toFloat32Array(), input, all as never, kind);
      for (const [i, v] of f.entries()) expect(a[i]).toBeCloseTo(v, 5);
      expect(f.filter((v) => v > 0).length).toBeGreaterThan(10);
    }
  }
});

/** f of 5 rows, in float64. */
function formula(
  x: Float32Array,
  input: "centred" | "raw",
  t: Record<"wEnc" | "bEnc" | "bDec" | "threshold" | "rMag" | "bMag", Tensor>,
  kind: "jump-relu" | "gated",
): number[] {
  const values = (tensor: Tensor | undefined) => tensor?.toFloat32Array() ?? new Float32Array(0);
  const [wEnc, bEnc, bDec] = [values(t.wEnc), values(t.bEnc), values(t.bDec)];
  const [theta, rMag, bMag] = [values(t.threshold), values(t.rMag), values(t.bMag)];
  return Array.from({ length: 5 * dSae }, (_, i) => {
    const [r, j] = [Math.floor(i / dSae), i % dSae];
    let u = 0;
    for (let k = 0; k < dVit; k++)
      u += (x[r * dVit + k]! - (input === "centred" ? bDec[k]! : 0)) * wEnc[k * dSae + j]!;
    const h = u + bEnc[j]!;
    if (kind === "jump-relu") return h > theta[j]! ? h : 0;
    return h > 0 ? Math.max(0, Math.exp(rMag[j]!) * u + bMag[j]!) : 0;
  });
}

test("refuses other kinds, unknown schemas, and headers that lie", async () => {
  const topK = { cls: "TopK", params: { key: "top-k", top_k: 0 } };
  const gated = { cls: "Gated", params: { key: "gated" } };
  const jumpRelu = { cls: "JumpRelu", params: { key: "jump-relu" } };
  const other = { cls: "Tanh", params: { key: "tanh" } };
  const batchTopK = { cls: "BatchTopK", params: { key: "batch-top-k", top_k: 2 } };
  const bad: [Record<string, unknown>, string, RegExp][] = [
    [{ schema: 5, cfg: { d_model: dVit, d_sae: dSae, activation: topK } }, "BAD_FILE", /top_k/],
    [{ schema: 5, cfg: { d_model: dVit, d_sae: dSae, activation: gated } }, "BAD_FILE", /activation.r_mag/],
    [
      { schema: 5, cfg: { d_model: dVit, d_sae: dSae, activation: jumpRelu } },
      "BAD_FILE",
      /activation.threshold/,
    ],
    [{ schema: 5, cfg: { d_model: dVit, d_sae: dSae, activation: other } }, "UNSUPPORTED", /kind tanh/],
    [{ schema: 5, cfg: { d_model: dVit, d_sae: dSae, activation: batchTopK } }, "BAD_FILE", /threshold/],
    [{ schema: 1, cfg: {}, cls: "JumpRelu" }, "UNSUPPORTED", /jump-relu/],
    [{ schema: 99, cfg: {}, cls: "Relu" }, "UNSUPPORTED", /schema 99/],
    [{ schema: "1", cfg: {} }, "UNSUPPORTED", /schema "1"/],
    [{ schema: 1, cls: "Relu" }, "BAD_FILE", /no config/],
    [{ schema: 1, cfg: { d_vit: dVit, exp_factor: 4 }, cls: "Relu" }, "BAD_FILE", /d_sae 24/],
    [{ schema: 1, cfg: { d_vit: -2, exp_factor: 4 }, cls: "Relu" }, "BAD_FILE", /whole number above 0/],
    [{ d_vit: dVit, exp_factor: 3, sparsity_coeff: 1 }, "BAD_FILE", /ghost_grads/],
  ];
  for (const [header, code, message] of bad) {
    const file = await written(header);
    await expect(loadCheckpoint(file)).rejects.toMatchObject({ code });
    await expect(loadCheckpoint(file)).rejects.toThrow(message);
  }
  const header = { schema: 1, cfg: {}, cls: "Relu" };
  const { b_dec, ...missing } = tensors();
  await expect(loadCheckpoint(await written(header, missing))).rejects.toThrow(/no tensor b_dec/);
  const short = { ...missing, b_dec: b_dec.narrow(0, 0, 5) };
  await expect(loadCheckpoint(await written(header, short))).rejects.toMatchObject({ code: "BAD_FILE" });
  const text = path.join(root, "text.pt");
  writeFileSync(text, "no checkpoint");
  await expect(loadCheckpoint(text)).rejects.toMatchObject({ code: "BAD_FILE" });
  const folder = mkdtempSync(path.join(root, "folder-"));
  await expect(SparseAutoencoder.load(folder)).rejects.toThrow(
    /expected a sae\.pt, or .*; found an empty folder$/,
  );
  writeFileSync(path.join(folder, "sae.pt"), "");
  await expect(SparseAutoencoder.load(folder)).rejects.toThrow(/a run's folder; name .*\/sae\.pt$/);
  await expect(loadCheckpoint(path.join(root, "absent.pt"))).rejects.toMatchObject({ code: "NOT_FOUND" });
});
