import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { python } from "../../io/python.test-util.js";
import { TensorFile, writeSafetensors, writeTensors } from "../../io/tensor-file.js";
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

const packages = path.resolve(
  path.dirname(fileURLToPath(import.meta.url)),
  "../../../../../.cache/python-models",
);
const hasPackage = python !== undefined && existsSync(path.join(packages, "dictionary_learning"));
if (!hasPackage)
  console.warn("skipping dictionary_learning itself: it is not in .cache/python-models; npm run setup");

// The package's own classes; its __init__, which asks for language models, is passed over.
const program = `
import json, sys, types
from pathlib import Path
import torch
from safetensors.torch import load_file, save_file
sys.path.insert(0, sys.argv[1])
package = types.ModuleType("dictionary_learning")
package.__path__ = [sys.argv[1] + "/dictionary_learning"]
sys.modules["dictionary_learning"] = package
from dictionary_learning import dictionary
from dictionary_learning.trainers import top_k, batch_top_k, matryoshka_batch_top_k
classes = {n: c for m in (dictionary, top_k, batch_top_k, matryoshka_batch_top_k) for n, c in vars(m).items()}
x = load_file(Path(sys.argv[2], "x.safetensors"))["x"]
def note(ae, d):
    with torch.no_grad():
        f = ae.encode(x)
        save_file({"f": f.contiguous(), "x_hat": ae.decode(f).contiguous()}, str(Path(d, "out.safetensors")))
def save(ae, d, **more):
    d = Path(d); d.mkdir()
    torch.save(ae.state_dict(), d / "ae.pt")
    (d / "config.json").write_text(json.dumps({"trainer": {"dict_class": type(ae).__name__, "activation_dim": 6, "dict_size": 18, **more}, "buffer": {}}))
`;
const runPackage = (more: string, ...args: string[]) => {
  const done = spawnSync(python!, ["-c", program + more, packages, root, ...args], { encoding: "utf8" });
  expect(done.status, done.stderr).toBe(0);
};
async function theirs(dir: string) {
  using file = await TensorFile.open(path.join(dir, "out.safetensors"));
  return { f: file.get("f").toFloat32Array(), xHat: file.get("x_hat").toFloat32Array() };
}

test.skipIf(!hasPackage)(
  "dictionary_learning loads what we write, and we what it saves: the same latents",
  { timeout: 120_000 },
  async () => {
    await writeSafetensors(path.join(root, "x.safetensors"), { x: rows() });
    const made = await Promise.all(cases.map(written));
    const dirs = made.map(({ dir }) => dir);
    runPackage(
      `
for d in sys.argv[3:]:
    trainer = json.loads(Path(d, "config.json").read_text())["trainer"]
    ae = classes[trainer["dict_class"]].from_pretrained(d + "/ae.pt", **({"k": trainer["k"]} if "k" in trainer else {}))
    note(ae, d)
    save(ae, d + ".again", **({"k": trainer["k"]} if "k" in trainer else {}))
`,
      ...dirs,
    );
    for (const { dir, own } of made) {
      const out = await theirs(dir);
      expectClose(out.f, own.f);
      expectClose(out.xHat, own.xHat);
      using back = await SparseAutoencoder.load(`${dir}.again`);
      expectClose((await run(back)).f, own.f);
    }
  },
);

test.skipIf(!hasPackage)(
  "SAEs made there are read as there: Matryoshka, no threshold yet, decoder rows of any norm",
  { timeout: 120_000 },
  async () => {
    await writeSafetensors(path.join(root, "x.safetensors"), { x: rows() });
    const names = ["matryoshka", "matryoshka-new", "batch-new", "norms", "jump-below"];
    const dirs = names.map((name) => path.join(root, name));
    runPackage(
      `
torch.manual_seed(0)
def filled(ae):
    with torch.no_grad():
        for p in ae.parameters(): p.copy_(torch.randn_like(p))
    return ae
M, B = classes["MatryoshkaBatchTopKSAE"], classes["BatchTopKSAE"]
a = filled(M(6, 18, 4, [3, 6, 9])); a.threshold.fill_(0.8)
b, c = filled(M(6, 18, 4, [3, 6, 9])), filled(B(6, 18, 4))
d = filled(classes["AutoEncoder"](6, 18))
e = filled(classes["JumpReluAutoEncoder"](6, 18))
for ae, d_, more in zip((a, b, c, d, e), sys.argv[3:], ({"k": 4},) * 3 + ({}, {})):
    save(ae, d_, **more)
    note(type(ae).from_pretrained(d_ + "/ae.pt"), d_)
`,
      ...dirs,
    );
    for (const dir of dirs) {
      using sae = await SparseAutoencoder.load(dir);
      const [out, own] = [await theirs(dir), await run(sae)];
      expect(own.f.filter((v) => v !== 0).length).toBeGreaterThan(10);
      expectClose(own.f, out.f);
      expectClose(own.xHat, out.xHat);
      expect(sae.activation.kind).toBe(
        { n: "relu", j: "jump-relu" }[path.basename(dir)[0] as "n"] ?? "batch-top-k",
      );
    }
  },
);

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
