import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { TensorFile, writeTensors } from "../../io/tensor-file.js";
import { Tensor } from "../../tensor.js";
import type { Activation } from "../activation.js";
import { SparseAutoencoder } from "../sparse-autoencoder.js";
import { exportCheckpoint, recogniseCheckpoint } from "./index.js";

const root = mkdtempSync(path.join(tmpdir(), "saev-dictionary-learning-"));
afterAll(() => rmSync(root, { recursive: true }));

const [dVit, dSae, nRows] = [6, 18, 7];
const numbers = (n: number, seed: number) =>
  Float32Array.from({ length: n }, (_, i) => Math.sin(i * 7.1 + seed));
const rows = () => Tensor.from(numbers(nRows * dVit, 9), [nRows, dVit]);
/** Decoder rows of norm 1, as training leaves them; `norm` of another length. */
function decoder(norm: number): Float32Array {
  const out = numbers(dVit * dSae, 3);
  for (let j = 0; j < dSae; j++) {
    const row = out.subarray(j * dVit, (j + 1) * dVit);
    const length = Math.hypot(...row);
    row.forEach((v, i) => {
      row[i] = (v * norm) / length;
    });
  }
  return out;
}

type Made = readonly [activation: Activation, input: "centred" | "raw", dictClass: string, norm?: number];
const cases: readonly Made[] = [
  [{ kind: "relu" }, "centred", "AutoEncoder"],
  [{ kind: "relu" }, "centred", "AutoEncoderNew", 1.7],
  [{ kind: "relu" }, "raw", "AutoEncoderNew"],
  [{ kind: "gated" }, "centred", "GatedAutoEncoder"],
  [{ kind: "gated" }, "raw", "GatedAutoEncoder"],
  [{ kind: "top-k", topK: 4, relu: true }, "centred", "AutoEncoderTopK"],
  [{ kind: "top-k", topK: 4, relu: true }, "raw", "AutoEncoderTopK"],
  [{ kind: "batch-top-k", topK: 4, relu: true, threshold: 0.75 }, "centred", "BatchTopKSAE"],
  [{ kind: "batch-top-k", topK: 4, relu: true, threshold: 0.75 }, "raw", "BatchTopKSAE"],
  [{ kind: "jump-relu" }, "raw", "JumpReluAutoEncoder"],
  [{ kind: "jump-relu" }, "centred", "JumpReluAutoEncoder"],
];

function make([activation, input, , norm = 1]: Made, threshold = 0.3): SparseAutoencoder {
  return SparseAutoencoder.from(
    {
      wEnc: Tensor.from(numbers(dVit * dSae, 1), [dVit, dSae]),
      bEnc: Tensor.from(numbers(dSae, 2)),
      wDec: Tensor.from(decoder(norm), [dSae, dVit]),
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

/** Sums of six products of numbers up to 2, in float32 and in another order. */
function expectClose(a: ArrayLike<number>, b: ArrayLike<number>) {
  expect(a.length).toBe(b.length);
  for (let i = 0; i < a.length; i++) expect(Math.abs(a[i]! - b[i]!)).toBeLessThan(2e-5);
}

async function written(made: Made) {
  const dir = mkdtempSync(path.join(root, "trainer_"));
  using sae = make(made);
  await exportCheckpoint(dir, sae, "dictionary-learning");
  return { dir, own: await run(sae) };
}

test("each kind comes back with the same latents, and the same bits where the convention is theirs", async () => {
  for (const made of cases) {
    const [activation, input, dictClass] = made;
    const { dir, own } = await written(made);
    expect(own.f.filter((v) => v !== 0).length).toBeGreaterThan(10);
    const { trainer } = JSON.parse(readFileSync(path.join(dir, "config.json"), "utf8"));
    expect(trainer).toMatchObject({ dict_class: dictClass, activation_dim: dVit, dict_size: dSae });
    for (const where of [dir, path.join(dir, "ae.pt")]) {
      expect((await recogniseCheckpoint(where))?.name).toBe("dictionary-learning");
      using back = await SparseAutoencoder.load(where);
      expect(back.activation).toEqual(activation);
      const again = await run(back);
      expectClose(again.f, own.f);
      expectClose(again.xHat, own.xHat);
      if (back.input !== input) continue;
      using sae = make(made);
      const [a, b] = [sae.tensors(), back.tensors()];
      for (const [name, tensor] of Object.entries(a))
        expect(b[name as keyof typeof b]?.toFloat32Array(), name).toEqual(tensor.toFloat32Array());
    }
  }
});

test("Matryoshka's group sizes come back; sizes that do not fit are refused", async () => {
  for (const input of ["centred", "raw"] as const) {
    const dir = path.join(root, `groups-${input}`);
    using sae = make([{ kind: "batch-top-k", topK: 4, relu: true, threshold: 0.75 }, input, ""]);
    sae.groupSizes = [3, 6, 9];
    sae.scaling = { actMean: numbers(dVit, 11), scalar: 1.5 };
    expect(await exportCheckpoint(dir, sae, "dictionary-learning")).toEqual([]);
    const { trainer } = JSON.parse(readFileSync(path.join(dir, "config.json"), "utf8"));
    expect(trainer).toMatchObject({ dict_class: "MatryoshkaBatchTopKSAE", k: 4, group_sizes: [3, 6, 9] });
    using back = await SparseAutoencoder.load(dir);
    expect(back.groupSizes).toEqual([3, 6, 9]);
    const file = path.join(root, `groups-${input}.pt`);
    await back.save(file);
    using own = await SparseAutoencoder.load(file);
    expect(own.groupSizes).toEqual([3, 6, 9]);
    own.groupSizes = [3, 6];
    await own.save(file);
    await expect(SparseAutoencoder.load(file)).rejects.toThrow(/group_sizes: .*sum to 18, found \[3,6\]/);
  }
  using topK = make([{ kind: "top-k", topK: 4, relu: true }, "centred", ""]);
  topK.groupSizes = [9, 9];
  for (const format of ["dictionary-learning", "sparsify", "saelens"])
    expect(await exportCheckpoint(path.join(root, `no-groups-${format}`), topK, format)).toEqual([
      expect.stringMatching(/Matryoshka groups \(9, 9\) are not kept: .* has no place/),
    ]);
});

test("what either side cannot hold is refused with the reason", async () => {
  const { dir } = await written(cases[5]!);
  const file = path.join(dir, "config.json");
  const { trainer } = JSON.parse(readFileSync(file, "utf8"));
  for (const [change, code, message] of [
    [{ dict_class: "CrossCoder" }, "UNSUPPORTED", /CrossCoder cannot be read; AutoEncoder, /],
    [{ k: 5 }, "BAD_FILE", /found 5 here and 4 there/],
    [{ dict_class: "JumpReluAutoEncoder" }, "BAD_FILE", /no tensor W_enc/],
  ] as const) {
    writeFileSync(file, JSON.stringify({ trainer: { ...trainer, ...change } }));
    await expect(SparseAutoencoder.load(dir)).rejects.toMatchObject({ code });
    await expect(SparseAutoencoder.load(dir)).rejects.toThrow(message);
  }
  const zero = path.join(root, "zero");
  const relu = await written(cases[0]!);
  using source = await TensorFile.open(path.join(relu.dir, "ae.pt"));
  const state = new Map(source.names().map((name) => [name, source.get(name)] as const));
  state.set("decoder.weight", Tensor.from(new Float32Array(dVit * dSae), [dVit, dSae]));
  await exportCheckpoint(zero, make(cases[0]!), "dictionary-learning");
  await writeTensors(path.join(zero, "ae.pt"), state, { ordered: true });
  await expect(SparseAutoencoder.load(zero)).rejects.toThrow(/decoder row of norm 0/);

  const out = path.join(root, "refused");
  using keeps = make([{ kind: "top-k", topK: 3, relu: false }, "raw", ""]);
  await expect(exportCheckpoint(out, keeps, "dictionary-learning")).rejects.toThrow(/relu = false/);
  using below = make([{ kind: "jump-relu" }, "raw", ""], -0.5);
  await expect(exportCheckpoint(out, below, "dictionary-learning")).rejects.toThrow(/threshold of -0/);
  expect(existsSync(out)).toBe(false);
});
