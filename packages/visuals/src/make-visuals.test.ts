import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Visuals } from "@saev/config";
import { readTensor, SparseAutoencoder } from "@saev/core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { makeVisuals, type VisualsProgress } from "./make-visuals.js";
import { dSae, dVit, latentOf, nImages, nPatches, preActivationOf, smallRun } from "./testing/small-run.js";

let folder = "";
let cfg: Visuals;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "saev-visuals-ü "));
  cfg = await smallRun(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const numbers = async (root: string, name: string) =>
  (await readTensor(path.join(root, name))).toTypedArray();

/** Images of a latent by their largest patch, best first, ties to the lower index. */
const byLargest = (latent: number) =>
  Array.from({ length: nImages }, (_, image) => ({
    image,
    score: Math.max(...Array.from({ length: nPatches }, (_, p) => latentOf(image, p + 1, latent))),
  })).sort((a, b) => b.score - a.score || a.image - b.image);

describe("makeVisuals", () => {
  it("scales activations as its SAE was trained, and refuses another wish", async () => {
    using sae = await SparseAutoencoder.load(cfg.ckpt);
    sae.scaling = { actMean: new Float32Array(dVit), scalar: 0.5 };
    const ckpt = path.join(folder, "scaled.pt");
    await sae.save(ckpt);
    const data = { ...cfg.data, scale_mean: true, scale_norm: true };
    const scaled = { ...cfg, ckpt, data, dump_to: path.join(folder, "scaled") };
    const { root } = await makeVisuals(scaled);
    const values = (await numbers(root, "top_values.pt")) as Float32Array;
    const largest = (latent: number) =>
      Math.max(...values.subarray(3 * latent * nPatches, 3 * (latent + 1) * nPatches));
    for (let latent = 0; latent < dSae; latent++) {
      // h(2 x) of h(x), whose bias is h(0).
      const twice = Array.from({ length: nImages * nPatches }, (_, i) => {
        const [image, patch] = [Math.floor(i / nPatches), 1 + (i % nPatches)];
        return Math.max(0, 2 * preActivationOf(image, patch, latent) - preActivationOf(undefined, 0, latent));
      });
      expect(largest(latent)).toBeCloseTo(Math.max(...twice), 4);
    }
    await expect(makeVisuals({ ...scaled, data: { ...data, scale_norm: false } })).rejects.toThrow(
      /^data\.scale_norm = false is not how/,
    );
  });

  it("ranks, draws and lays out everything, in order of largest patches", async () => {
    const progress: VisualsProgress[] = [];
    const made = await makeVisuals(cfg, { onProgress: (p) => progress.push(p), title: "A <b>run</b>" });
    expect(made.root).toBe(path.join(folder, "out", "sort_by_patch"));
    expect(readdirSync(made.root).sort()).toEqual(
      [
        "distributions.pt",
        "gallery",
        "index.html",
        "latent_examples.safetensors",
        "latent_statistics.safetensors",
        "mean_values.pt",
        "neurons",
        "percentiles_p99.pt",
        "plots",
        "sparsity.pt",
        "top_img_i.pt",
        "top_patch_i.pt",
        "top_values.pt",
        "visuals.json",
      ].sort(),
    );
    expect(existsSync(`${made.root}.partial`)).toBe(false);
    expect(progress.at(-1)).toMatchObject({ stage: "images" });
    expect(progress.find((p) => p.stage === "rows")?.total).toBe(nImages * nPatches);

    const images = await numbers(made.root, "top_img_i.pt");
    const patches = await numbers(made.root, "top_patch_i.pt");
    const values = (await numbers(made.root, "top_values.pt")) as Float32Array;
    for (let latent = 0; latent < dSae; latent++) {
      const expected = byLargest(latent).slice(0, 3);
      expect([...images.slice(3 * latent, 3 * latent + 3)]).toEqual(expected.map((e) => BigInt(e.image)));
      for (let rank = 0; rank < 3; rank++) {
        const row = values.subarray((3 * latent + rank) * nPatches, (3 * latent + rank + 1) * nPatches);
        row.forEach((v, p) => {
          expect(v).toBeCloseTo(latentOf(expected[rank]!.image, p + 1, latent), 5);
        });
        expect(Number(patches[3 * latent + rank])).toBe(row.indexOf(Math.max(...row)));
      }
    }
    // The included dead latent comes first, has a folder, and no picture.
    expect(made.latents[0]).toBe(11);
    expect(readdirSync(path.join(made.root, "neurons", "11"))).toEqual(["metadata.json"]);
    expect(JSON.parse(readFileSync(path.join(made.root, "neurons", "11", "metadata.json"), "utf8"))).toEqual({
      neuron: 11,
      log10_freq: -9,
      log10_value: -9,
    });
    const shown = made.latents.find((latent) => latent < 10)!;
    const neuron = path.join(made.root, "neurons", String(shown));
    expect(await sharp(path.join(neuron, "0.png")).metadata()).toMatchObject({
      width: 448,
      height: 448,
      channels: 4,
    });
    const best = byLargest(shown)[0]!.image;
    expect(readFileSync(path.join(neuron, "0.txt"), "utf8")).toBe(best < 4 ? "birds & bees\n" : "zoë\n");
    const page = readFileSync(made.gallery!, "utf8");
    expect(page).toContain("A &lt;b&gt;run&lt;/b&gt;");
    expect(readdirSync(path.join(made.root, "gallery", "images")).length).toBeLessThanOrEqual(nImages);
    expect(readdirSync(path.join(made.root, "plots")).sort()).toEqual([
      "distributions.png",
      "distributions.svg",
      "frequency.png",
      "frequency.svg",
    ]);
    expect(JSON.parse(readFileSync(path.join(made.root, "visuals.json"), "utf8"))).toMatchObject({
      rows: nImages * nPatches,
      images: nImages,
      latents: made.latents,
      config: { sort_by: "patch", top_k: 3 },
    });
  });

  it("gives the same files whatever the batch sizes and workers", async () => {
    const one = await makeVisuals({ ...cfg, dump_to: path.join(folder, "a"), n_workers: 0 });
    const other = await makeVisuals({
      ...cfg,
      dump_to: path.join(folder, "b"),
      topk_batch_size: 1000,
      sae_batch_size: 1000,
      n_workers: 4,
    });
    for (const name of readdirSync(one.root).filter((n) => n.endsWith(".pt") || n === "index.html")) {
      const [a, b] = [one, other].map((m) => readFileSync(path.join(m.root, name))) as [Buffer, Buffer];
      expect(a.equals(b), name).toBe(true);
    }
  });

  it("ranks by sum and by CLS token", async () => {
    const img = await makeVisuals({ ...cfg, sort_by: "img" });
    const top = await numbers(img.root, "top_img_i.pt");
    for (let latent = 0; latent < 10; latent++) {
      const sums = Array.from({ length: nImages }, (_, i) =>
        [1, 2, 3, 4].reduce((sum, t) => sum + latentOf(i, t, latent), 0),
      );
      const best = sums.indexOf(Math.max(...sums));
      expect(Number(top[3 * latent])).toBe(best);
    }
    const cls = await makeVisuals({ ...cfg, sort_by: "cls", data: { ...cfg.data, patches: "cls" } });
    expect((await readTensor(path.join(cls.root, "top_values.pt"))).shape).toEqual([dSae, 3]);
    expect(existsSync(path.join(cls.root, "top_patch_i.pt"))).toBe(false);
    const images = await numbers(cls.root, "top_img_i.pt");
    const values = Array.from({ length: nImages }, (_, i) => latentOf(i, 0, 0));
    expect(Number(images[0])).toBe(values.indexOf(Math.max(...values)));
    const shown = cls.latents.find((latent) => latent < 10)!;
    // No heat map: a plain picture.
    expect((await sharp(path.join(cls.root, "neurons", String(shown), "0.png")).metadata()).channels).toBe(3);
  });

  it("makes of shards without CLS tokens what it makes of those with them", async () => {
    const own = path.join(folder, "no cls");
    mkdirSync(own);
    const without = await smallRun(own, { cls: false });
    const a = await makeVisuals({ ...cfg, dump_to: path.join(folder, "with cls") });
    const b = await makeVisuals(without);
    expect(b.latents).toEqual(a.latents);
    for (const name of readdirSync(a.root).filter((n) => n.endsWith(".pt"))) {
      expect(readFileSync(path.join(b.root, name)).equals(readFileSync(path.join(a.root, name))), name).toBe(
        true,
      );
    }
    await expect(
      makeVisuals({ ...without, sort_by: "cls", data: { ...without.data, patches: "cls" } }),
    ).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringMatching(/has no CLS tokens/),
    });
  });

  it("says everything that cannot work, at once, and writes nothing", async () => {
    const dump_to = path.join(folder, "nothing");
    const bad = {
      ...cfg,
      dump_to,
      sort_by: "cls",
      data: { ...cfg.data, layer: "all" },
      log_freq_range: [0, -1],
    } as Visuals;
    await expect(makeVisuals(bad)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringMatching(/needs data\.patches = "cls".*"all".*log_freq_range/),
    });
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    await expect(
      makeVisuals({ ...cfg, dump_to, images: { kind: "imagenet-dataset", name: "x", split: "train" } }),
    ).rejects.toMatchObject({ code: "NOT_FOUND" });
    vi.unstubAllEnvs();
    await expect(makeVisuals({ ...cfg, dump_to, include_latents: [12] })).rejects.toThrow(
      /0 to 11, found 12/,
    );
    await expect(makeVisuals({ ...cfg, dump_to, ckpt: path.join(folder, "no.pt") })).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
    expect(existsSync(path.join(dump_to, "sort_by_patch"))).toBe(false);
    // A file where a folder should be made.
    await expect(makeVisuals({ ...cfg, dump_to: cfg.ckpt })).rejects.toMatchObject({
      name: "SaevError",
      message: expect.stringContaining("cannot make the folder"),
    });
  });

  it("keeps earlier results when it is stopped, and goes on with what it had drawn", async () => {
    const own = { ...cfg, dump_to: path.join(folder, "resume") };
    const first = await makeVisuals({ ...own, n_latents: 1 });
    writeFileSync(path.join(first.root, "notes.txt"), "mine");
    const before = readFileSync(path.join(first.root, "index.html"));
    const stop = new AbortController();
    const stopped = makeVisuals(
      { ...own, n_workers: 1 },
      {
        signal: stop.signal,
        onProgress: ({ stage, done }) => {
          if (stage === "images" && done === 4) stop.abort(new Error("enough"));
        },
      },
    );
    await expect(stopped).rejects.toThrow("enough");
    expect(readFileSync(path.join(first.root, "index.html")).equals(before)).toBe(true);
    const partial = path.join(`${first.root}.partial`, "neurons");
    const pictures = () =>
      readdirSync(partial, { recursive: true })
        .map((name) => path.join(partial, String(name)))
        .filter((name) => name.endsWith(".txt"));
    const drawn = pictures().map((file) => [path.relative(partial, file), statSync(file).ino] as const);
    expect(drawn.length).toBeGreaterThan(0);
    const again = await makeVisuals({ ...own, n_workers: 1 });
    for (const [file, inode] of drawn) {
      expect(statSync(path.join(again.root, "neurons", file)).ino, file).toBe(inode); // not drawn a second time
    }
    expect(readFileSync(path.join(again.root, "notes.txt"), "utf8")).toBe("mine");
    expect(readdirSync(path.dirname(again.root))).toEqual(["sort_by_patch"]);
    expect(readdirSync(again.root).filter((name) => /\.old|\.tmp|\.job/.test(name))).toEqual([]);
  });

  it("makes contact sheets with names, and pictures in another style", async () => {
    const dump_to = path.join(folder, "sheets");
    const first = await makeVisuals({ ...cfg, dump_to });
    const shown = first.latents.find((latent) => latent < 10)!;
    writeFileSync(
      path.join(first.root, "notes.json"),
      JSON.stringify({ [shown]: { name: "wavy lines", note: "" } }),
    );
    const stages = new Set<string>();
    const made = await makeVisuals(
      { ...cfg, dump_to, contact_sheet: true, highlight_style: "crop" },
      { onProgress: ({ stage }) => stages.add(stage) },
    );
    expect([...stages]).toEqual(["rows", "images", "sheets"]);
    const sheets = path.join(made.root, "contact_sheets");
    expect(readdirSync(sheets).sort()).toEqual(
      made.latents.flatMap((latent) => [`${latent}.png`, `${latent}.svg`]).sort(),
    );
    const svg = readFileSync(path.join(sheets, `${shown}.svg`), "utf8");
    expect(svg).toContain(`Latent ${shown}: wavy lines`);
    expect(svg.match(/<image /g)).toHaveLength(3);
    expect(readFileSync(path.join(sheets, "11.svg"), "utf8")).toContain("never fires");
    expect((await sharp(path.join(sheets, `${shown}.png`)).metadata()).width).toBe(1772);
    const picture = path.join(made.root, "neurons", String(shown), "0.png");
    expect(await sharp(picture).metadata()).toMatchObject({ width: 448, height: 448, channels: 3 });
    await expect(
      makeVisuals({ ...cfg, sort_by: "cls", data: { ...cfg.data, patches: "cls" }, highlight_style: "mask" }),
    ).rejects.toThrow(/highlight_style = "mask" is not supported: sort_by = "cls" has no values of patches/);
    await expect(makeVisuals({ ...cfg, contact_sheet: true }, { legacy: true })).rejects.toThrow(
      /has no highlight_style and no contact_sheet/,
    );
  });

  it("tells a folder of pictures that is not the one recorded", async () => {
    const few = path.join(folder, "few", "birds");
    await import("node:fs/promises").then((fs) => fs.mkdir(few, { recursive: true }));
    await sharp({ create: { width: 8, height: 8, channels: 3, background: "red" } })
      .png()
      .toFile(path.join(few, "1.png"));
    const images = { kind: "image-folder-dataset", root: path.dirname(few) } as const;
    await expect(makeVisuals({ ...cfg, images, dump_to: path.join(folder, "few-out") })).rejects.toThrow(
      /has 1 images, and the shards speak of image/,
    );
  });

  const python = process.env.SAEV_PYTHON;
  it.skipIf(!python)("writes tables that torch.load reads with weights_only", async () => {
    const { root } = await makeVisuals({ ...cfg, dump_to: path.join(folder, "python") });
    const script = `
import glob, sys, torch
files = sorted(glob.glob(glob.escape(sys.argv[1]) + "/*.pt"))
print({f.rsplit("/", 1)[1]: (str(t.dtype), list(t.shape)) for f in files for t in [torch.load(f, weights_only=True)]})
`;
    const run = spawnSync(python!, ["-c", script, root], { encoding: "utf8" });
    expect(run.stderr).toBe("");
    expect(JSON.parse(run.stdout.replaceAll("'", '"').replaceAll("(", "[").replaceAll(")", "]"))).toEqual({
      "distributions.pt": ["torch.float32", [4, 40]],
      "mean_values.pt": ["torch.float32", [12]],
      "percentiles_p99.pt": ["torch.float32", [12]],
      "sparsity.pt": ["torch.float32", [12]],
      "top_img_i.pt": ["torch.int64", [12, 3]],
      "top_patch_i.pt": ["torch.int64", [12, 3]],
      "top_values.pt": ["torch.float32", [12, 3, 4]],
    });
  });
});
