import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TensorFile, writeSafetensors } from "../../io/tensor-file.js";
import { Tensor } from "../../tensor.js";
import type { Activation } from "../activation.js";
import { SparseAutoencoder } from "../sparse-autoencoder.js";
import { checkpointFormats, exportCheckpoint } from "./index.js";
import { hasPackages, runPackages } from "./testing/python-packages.js";

const root = mkdtempSync(path.join(tmpdir(), "saev-python-packages-"));
afterAll(() => rmSync(root, { recursive: true }));

const [dVit, dSae, nRows] = [6, 18, 7];
const numbers = (n: number, seed: number) =>
  Float32Array.from({ length: n }, (_, i) => Math.sin(i * 7.1 + seed));
const x = numbers(nRows * dVit, 9);
const scaling = { actMean: numbers(dVit, 11), scalar: 1.4 };
const scaled = x.map((v, i) => (v - scaling.actMean[i % dVit]!) / scaling.scalar);

const kinds: readonly [activation: Activation, packages: readonly string[]][] = [
  [{ kind: "relu" }, ["saelens", "dictionary-learning"]],
  [{ kind: "gated" }, ["saelens", "dictionary-learning"]],
  [{ kind: "top-k", topK: 4, relu: true }, ["saelens", "sparsify", "dictionary-learning"]],
  [{ kind: "batch-top-k", topK: 4, relu: true, threshold: 0.7 }, ["saelens", "dictionary-learning"]],
  [{ kind: "jump-relu" }, ["saelens", "dictionary-learning"]],
];

/** `unit`: decoder rows of norm 1, as training leaves them. */
function make(activation: Activation, input: "centred" | "raw", unit: boolean): SparseAutoencoder {
  const wDec = numbers(dSae * dVit, 3);
  for (let j = 0; unit && j < dSae; j++) {
    const row = wDec.subarray(j * dVit, (j + 1) * dVit);
    row.set(row.map((v) => v / Math.hypot(...row)));
  }
  return SparseAutoencoder.from(
    {
      wEnc: Tensor.from(numbers(dVit * dSae, 1), [dVit, dSae]),
      bEnc: Tensor.from(numbers(dSae, 2)),
      wDec: Tensor.from(wDec, [dSae, dVit]),
      bDec: Tensor.from(numbers(dVit, 4)),
      ...(activation.kind === "jump-relu" && {
        threshold: Tensor.from(numbers(dSae, 5).map((v) => 0.3 + 0.2 * v)),
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

async function run(sae: SparseAutoencoder, rows = x) {
  using given = Tensor.from(rows, [nRows, dVit]);
  using latents = await sae.encode(given);
  using xHat = await sae.decode(latents);
  return { f: latents.toDense(), xHat: xHat.toFloat32Array() };
}

type Output = Awaited<ReturnType<typeof run>>;

/** What the package made of x with the SAE of a folder. */
async function theirs(dir: string): Promise<Output> {
  using file = await TensorFile.open(`${dir}.out.safetensors`);
  return { f: file.get("f").toFloat32Array(), xHat: file.get("x_hat").toFloat32Array() };
}

/** Sums of six to eighteen products in float32, in another order, relative to the largest value. */
function expectClose(name: string, a: Output, b: Output) {
  for (const key of ["f", "xHat"] as const) {
    const largest = b[key].reduce((most, v) => Math.max(most, Math.abs(v)), 1);
    expect(a[key].length).toBe(b[key].length);
    const apart = a[key].reduce((most, v, i) => Math.max(most, Math.abs(v - b[key][i]!)), 0);
    expect(apart / largest, `${name}: ${key}`).toBeLessThan(1e-5);
  }
  expect(a.f.filter((v) => v !== 0).length, name).toBeGreaterThan(10);
}

interface Written {
  readonly dir: string;
  readonly package: string;
  readonly own: Output;
  readonly groupSizes: readonly number[] | undefined;
}
const written: Written[] = [];

async function write(name: string, to: string, sae: SparseAutoencoder) {
  const dir = path.join(root, `${to}-${name}`);
  await exportCheckpoint(dir, sae, to);
  const own = await run(sae, sae.scaling && scaled);
  const xHat = own.xHat.map((v, i) => v * scaling.scalar + scaling.actMean[i % dVit]!);
  written.push({
    dir,
    package: to,
    own: sae.scaling ? { ...own, xHat } : own,
    groupSizes: sae.groupSizes,
  });
}

beforeAll(async () => {
  if (!hasPackages) return;
  for (const [activation, packages] of kinds)
    for (const to of packages)
      for (const input of ["centred", "raw"] as const)
        for (const what of ["plain", "unit", "scaled", "groups"]) {
          using sae = make(activation, input, what !== "plain");
          if (what === "scaled") sae.scaling = scaling;
          if (what === "groups") sae.groupSizes = [3, 6, 9];
          if (what !== "groups" || activation.kind === "batch-top-k")
            await write(`${activation.kind}-${input}-${what}`, to, sae);
        }
  await writeSafetensors(path.join(root, "x.safetensors"), { x: Tensor.from(x, [nRows, dVit]) });
  writeFileSync(path.join(root, "jobs.json"), JSON.stringify(written));
  runPackages(root);
  // Their imports take most of it: 10 s once compiled, three times that the first time.
}, 300_000);

for (const { name } of checkpointFormats)
  test.skipIf(!hasPackages)(
    `${name} itself gives the same latents from what we write, and we from what it saves again`,
    async () => {
      const jobs = written.filter((job) => job.package === name);
      expect(jobs.length).toBeGreaterThan(5);
      for (const { dir, own, groupSizes } of jobs) {
        const there = await theirs(dir);
        expectClose(dir, there, own);
        using back = await SparseAutoencoder.load(`${dir}.again`);
        expectClose(dir, await run(back), there);
        if (name === "dictionary-learning") expect(back.groupSizes, dir).toEqual(groupSizes);
      }
    },
  );

for (const { name } of checkpointFormats)
  test.skipIf(!hasPackages)(`SAEs that ${name} itself made have the same latents here`, async () => {
    const made = path.join(root, "made", name);
    const dirs = readdirSync(made, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(dirs.length).toBe({ saelens: 14, sparsify: 2, "dictionary-learning": 9 }[name]);
    for (const dir of dirs.map((entry) => path.join(made, entry.name))) {
      using sae = await SparseAutoencoder.load(dir);
      expectClose(dir, await run(sae), await theirs(dir));
      const fixed = name === "dictionary-learning" && dir.includes("matryoshka");
      expect(sae.groupSizes, dir).toEqual(fixed ? [3, 6, 9] : undefined);
    }
  });
