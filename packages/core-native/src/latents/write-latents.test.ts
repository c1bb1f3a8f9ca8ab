import {
  cpSync,
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
import { Inference, metadataHash, metadataText } from "@saev/config";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ActivationLoader } from "../loading/activation-loader.js";
import { SparseAutoencoder } from "../sae/sparse-autoencoder.js";
import { ShardFolder } from "../shards/shard-folder.js";
import { Tensor } from "../tensor.js";
import { hasPythonTables, runPython } from "./testing/python-tables.js";
import { latentsFolder, writeLatents } from "./write-latents.js";

const nImgs = 23;
const nPatches = 4;
const layers = [-3, -1];
const dVit = 6;
const dSae = 20;
/** Image 5 and the last one could not be read. */
const holes = [5, 22];

let root = "";
let shards = "";
let ckpt = "";

beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), "saev-latents-"));
  const perShard = 10;
  const metadata = {
    vit_family: "clip",
    vit_ckpt: "none",
    layers,
    n_patches_per_img: nPatches,
    cls_token: true,
    d_vit: dVit,
    seed: 0,
    n_imgs: nImgs,
    n_patches_per_shard: perShard * layers.length * (nPatches + 1),
    data: "ImageFolderDataset(root='none')",
  };
  shards = path.join(root, "shards", metadataHash(metadata));
  mkdirSync(shards, { recursive: true });
  writeFileSync(path.join(shards, "metadata.json"), metadataText(metadata));
  const perImage = layers.length * (nPatches + 1) * dVit;
  for (let shard = 0; shard < 3; shard++) {
    const acts = Float32Array.from({ length: perShard * perImage }, (_, n) => {
      const image = shard * perShard + Math.floor(n / perImage);
      return image < nImgs && !holes.includes(image) ? Math.sin(1.3 * n + 0.7 * shard + (n % 5)) : 0;
    });
    writeFileSync(path.join(shards, `acts00000${shard}.bin`), acts);
  }
  writeFileSync(
    path.join(shards, "saev.json"),
    JSON.stringify({ format: 1, status: "complete", images_done: nImgs, holes }),
  );
  const wEnc = Float32Array.from({ length: dVit * dSae }, (_, i) => Math.cos(0.9 * i));
  const bEnc = Float32Array.from({ length: dSae }, (_, j) => (j === 19 ? -100 : -0.5));
  using sae = SparseAutoencoder.from({
    wEnc: Tensor.from(wEnc, [dVit, dSae]),
    bEnc: Tensor.from(bEnc),
    wDec: Tensor.from(wEnc.slice(), [dSae, dVit]),
    bDec: Tensor.from(new Float32Array(dVit).fill(0.1)),
  });
  mkdirSync(path.join(root, "run/checkpoint"), { recursive: true });
  ckpt = path.join(root, "run/checkpoint/sae.pt");
  await sae.save(ckpt);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const config = (over: object = {}, data: object = {}): Inference =>
  Inference.parse({
    ckpt,
    device: "cpu",
    sae_batch_size: 7,
    n_workers: 1,
    dump_to: path.join(root, "out"),
    data: { shard_root: shards, layer: -1, scale_mean: false, scale_norm: false, ...data },
    ...over,
  });

/** Dense latents by index, the direct way. */
async function dense(cfg: Inference): Promise<Map<number, Float32Array>> {
  using sae = await SparseAutoencoder.load(ckpt);
  using loader = await ActivationLoader.open(cfg.data, { order: "ordered", nWorkers: 0 });
  const out = new Map<number, Float32Array>();
  for await (const batch of loader.batches(1000)) {
    using latents = await sae.encode(batch.acts);
    const all = latents.toDense();
    [...(batch.index.toTypedArray() as BigInt64Array)].forEach((index, r) => {
      out.set(Number(index), all.slice(r * dSae, (r + 1) * dSae));
    });
  }
  return out;
}

const filesOf = (dir: string): Map<string, Buffer> =>
  new Map(
    readdirSync(dir)
      .toSorted()
      .map((name) => [name, readFileSync(path.join(dir, name))]),
  );

const readScript = `
import json, sys
import numpy as np, scipy.sparse, pyarrow.parquet as pq, torch
def read(d):
  m = scipy.sparse.load_npz(d + "/token_acts.npz")
  assert m.format == "csr" and m.has_canonical_format, m
  assert m.indices.dtype == np.int32 and m.indptr.dtype == np.int32 and m.data.dtype == np.float32
  f = pq.ParquetFile(d + "/token_acts.parquet")
  t = f.read()
  per_latent = pq.read_table(d + "/latents.parquet").to_pydict()
  out = dict(shape=list(m.shape), dense=m.toarray().tolist(), columns=t.column_names,
    types=[str(x) for x in t.schema.types], rows=t.to_pydict(), per_latent=per_latent,
    mean=np.nan_to_num(torch.load(d + "/mean_values.pt", weights_only=True).numpy(), nan=-1).tolist(),
    sparsity=torch.load(d + "/sparsity.pt", weights_only=True).tolist(),
    metrics=json.load(open(d + "/metrics.json")))
  return out
print(json.dumps([read(d) for d in sys.argv[1:]]))`;

interface Read {
  shape: number[];
  dense: number[][];
  columns: string[];
  types: string[];
  rows: Record<string, number[]>;
  per_latent: Record<string, (number | null)[]>;
  mean: number[];
  sparsity: number[];
  metrics: Record<string, number>;
}

/** Importing torch, scipy and pyarrow takes a second, and on a machine that has other things to do many. */
const pythonTime = 240_000;

describe("writeLatents", () => {
  it.skipIf(!hasPythonTables)(
    "is what scipy, pyarrow and torch read, holes and all",
    async () => {
      const cfg = config({ dump_to: path.join(root, "one") });
      const written = await writeLatents(cfg);
      expect(written).toMatchObject({ rows: nImgs * nPatches, dSae, resumedAt: 0, doneBefore: false });
      expect(path.basename(written.dir)).toBe(path.basename(shards).slice(0, 8));
      const [read] = runPython(readScript, written.dir) as [Read];
      const expected = await dense(cfg);
      expect(read.shape).toEqual([nImgs * nPatches, dSae]);
      const zero = new Float32Array(dSae);
      for (let row = 0; row < nImgs * nPatches; row++)
        expect(read.dense[row]).toEqual([...(expected.get(row) ?? zero)]);
      expect(expected.size).toBe((nImgs - holes.length) * nPatches);

      expect(read.columns).toEqual(["image", "patch", "latent", "value"]);
      expect(read.types).toEqual(["int32", "int32", "int32", "float"]);
      const lines = [...expected].flatMap(([row, f]) =>
        [...f].flatMap((value, latent) =>
          value === 0 ? [] : [[Math.floor(row / nPatches), row % nPatches, latent, value]],
        ),
      );
      expect(written.nnz).toBe(lines.length);
      expect(read.columns.map((name) => read.rows[name])).toEqual(
        [0, 1, 2, 3].map((c) => lines.map((l) => l[c])),
      );

      const rows = [...expected.values()];
      for (let j = 0; j < dSae; j++) {
        const fired = rows.map((f) => f[j]!).filter((v) => v > 0);
        const mean = fired.reduce((a, b) => a + b, 0) / fired.length;
        expect(read.sparsity[j]).toBeCloseTo(fired.length / rows.length, 6);
        expect(read.per_latent.firings![j]).toBe(fired.length);
        expect(read.per_latent.max_value![j]).toBe(Math.max(0, ...fired));
        if (j === 19) expect([read.mean[j], read.per_latent.mean_value![j]]).toEqual([-1, null]);
        else expect(read.mean[j]).toBeCloseTo(mean, 5);
      }
      const m = read.metrics;
      expect([m.n_tokens, m.d_model, m.n_elements]).toEqual([rows.length, dVit, rows.length * dVit]);
      expect(m.normalized_mse).toBeCloseTo(m.sse_recon! / m.sse_baseline!, 12);
      expect(m.mse_per_token).toBeCloseTo(m.mse_per_dim! * dVit, 12);
      expect(m.baseline_mse_per_dim).toBeCloseTo(m.sse_baseline! / m.n_elements!, 12);
    },
    pythonTime,
  );

  it.skipIf(!hasPythonTables)(
    "has a column of layers where rows are of several, and no patches of CLS",
    async () => {
      const all = config({ dump_to: path.join(root, "layers") }, { layer: "all" });
      const cls = config({ dump_to: path.join(root, "cls") }, { patches: "cls" });
      const folders = [(await writeLatents(all)).dir, (await writeLatents(cls)).dir];
      const [several, one] = runPython(readScript, ...folders) as [Read, Read];
      expect(several.columns).toEqual(["image", "layer", "patch", "latent", "value"]);
      expect(new Set(several.rows.layer)).toEqual(new Set(layers));
      expect(several.shape).toEqual([nImgs * 2 * nPatches, dSae]);
      const expected = await dense(all);
      for (const [row, f] of expected) expect(several.dense[row]).toEqual([...f]);
      const at = several.rows.value!.findIndex(
        (_, i) => several.rows.layer![i] === -1 && several.rows.image![i] === 3,
      );
      const row = (3 * 2 + 1) * nPatches + several.rows.patch![at]!;
      expect(several.rows.value![at]).toBe(expected.get(row)![several.rows.latent![at]!]);

      expect(one.columns).toEqual(["image", "latent", "value"]);
      expect(one.shape).toEqual([nImgs, dSae]);
    },
    pythonTime,
  );

  it("goes on after a stop at any batch to the same bytes, and leaves finished latents alone", async () => {
    const whole = await writeLatents(config({ dump_to: path.join(root, "whole") }));
    const bytes = filesOf(whole.dir);
    const names = ["latents.json", "latents.parquet", "token_acts.npz", "token_acts.parquet"];
    expect([...bytes.keys()]).toEqual(expect.arrayContaining(names));
    for (const stopAt of [1, 6, 11]) {
      const cfg = config({ dump_to: path.join(root, `stopped-${stopAt}`) });
      const controller = new AbortController();
      let batches = 0;
      const stopped = writeLatents(cfg, {
        signal: controller.signal,
        onProgress: ({ stage }) => {
          if (stage === "encoding" && ++batches === stopAt) controller.abort(new Error("enough"));
        },
      });
      await expect(stopped).rejects.toThrow("enough");
      const went = await writeLatents(cfg);
      expect(went.resumedAt).toBe(7 * stopAt);
      const got = filesOf(went.dir);
      got.delete("config.json"); // says where it lies
      for (const [name, content] of got) expect(content.equals(bytes.get(name)!), name).toBe(true);
      expect(got.size).toBe(bytes.size - 1);
      expect(await writeLatents(cfg)).toMatchObject({ doneBefore: true, rows: whole.rows, nnz: whole.nnz });
    }
  });

  it("cuts off what a killed job wrote after its last state, and goes on while the tables are written", async () => {
    const cfg = config({ dump_to: path.join(root, "killed") });
    const controller = new AbortController();
    const stopped = writeLatents(cfg, {
      signal: controller.signal,
      onProgress: ({ stage }) => {
        if (stage === "npz") controller.abort(new Error("enough"));
      },
    });
    await expect(stopped).rejects.toThrow("enough");
    const dir = path.join(root, "killed", readdirSync(path.join(root, "killed"))[0]!);
    expect(existsSync(path.join(dir, "token_acts.npz"))).toBe(false);
    const parts = path.join(dir, "partial");
    // Half a batch that no state knows.
    writeFileSync(path.join(parts, "values.f32"), new Uint8Array(11), { flag: "a" });
    writeFileSync(path.join(parts, "counts.i32"), new Uint8Array(6), { flag: "a" });
    const done = await writeLatents(cfg);
    expect(done.resumedAt).toBe((nImgs - holes.length) * nPatches);
    const whole = path.join(root, "whole", path.basename(dir));
    for (const name of ["token_acts.npz", "token_acts.parquet", "sparsity.pt", "metrics.json"])
      expect(readFileSync(path.join(dir, name)).equals(readFileSync(path.join(whole, name))), name).toBe(
        true,
      );
    expect(existsSync(parts)).toBe(false);
  });

  it("says what is in the way", async () => {
    const cfg = config({ dump_to: path.join(root, "whole") });
    await expect(
      writeLatents(config({ dump_to: path.join(root, "whole"), sae_batch_size: 8 })),
    ).rejects.toThrow(/another batch size; choose another dump_to/);
    const copy = path.join(root, "copy");
    const [name] = readdirSync(path.join(root, "whole"));
    cpSync(path.join(root, "whole"), copy, { recursive: true });
    rmSync(path.join(copy, name!, "latents.json"));
    await expect(writeLatents({ ...cfg, dump_to: copy })).rejects.toThrow(
      /token_acts\.npz .* of another program/,
    );
    writeFileSync(path.join(copy, name!, "latents.json"), "{");
    await expect(writeLatents({ ...cfg, dump_to: copy })).rejects.toMatchObject({ code: "BAD_FILE" });
    await expect(writeLatents(config({ ckpt: path.join(root, "none.pt") }))).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
    const damaged = path.join(root, "damaged", name!);
    mkdirSync(path.join(damaged, "partial"), { recursive: true });
    writeFileSync(path.join(damaged, "partial/state.json"), '{"format": 2}');
    await expect(writeLatents({ ...cfg, dump_to: path.dirname(damaged) })).rejects.toThrow(/begin anew/);
    writeFileSync(
      path.join(damaged, "partial/state.json"),
      JSON.stringify({ format: 1, job: "other", rows: 1, nnz: 1, activations: 1, loader: "", sums: "" }),
    );
    await expect(writeLatents({ ...cfg, dump_to: path.dirname(damaged) })).rejects.toThrow(
      /the beginning of other latents/,
    );
  });

  it("lies beside the run by default", async () => {
    const folder = await ShardFolder.open(shards);
    const hash = path.basename(shards).slice(0, 8);
    expect(latentsFolder(config({ dump_to: "" }), folder)).toBe(path.join(root, "run/inference", hash));
    expect(latentsFolder(config({ dump_to: "", ckpt: "runs/a/sae.pt" }), folder)).toBe(
      path.join("runs/a/inference", hash),
    );
  });
});
