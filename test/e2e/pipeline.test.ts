/** The whole way by the command line, and its files read by Python as a user of the Python package would. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { python } from "../../packages/core-native/src/io/python.test-util.js";
import { compile, root, saev } from "./saev.js";
import { type SmallRun, smallRun } from "./small-run.js";

let run: SmallRun;

beforeAll(async () => {
  compile();
  run = await smallRun(saev);
}, 180_000);

afterAll(() => run?.remove());

function inPython(script: string, ...args: string[]): string {
  const ended = spawnSync(python!, ["-c", script, ...args], { encoding: "utf8" });
  expect(ended.stderr).toBe("");
  return ended.stdout.trim();
}

const inExample = (name: string, ...args: string[]) => {
  const register = path.join(root, "scripts/source/register.mjs");
  const program = path.join(root, "examples", name);
  const ended = spawnSync(process.execPath, ["--import", register, program, ...args], { encoding: "utf8" });
  expect(ended.stderr).toBe("");
  expect(ended.status).toBe(0);
  return ended.stdout;
};

describe("activations, train, visuals", () => {
  it("make folders with what they promise", () => {
    expect(readdirSync(run.shards).toSorted()).toEqual([
      "SHA256SUMS",
      "acts000000.bin",
      "acts000001.bin",
      "acts000002.bin",
      "metadata.json",
      "preprocessing.json",
      "saev.json",
    ]);
    expect(run.runs).toHaveLength(2);
    for (const dir of run.runs) {
      expect(readdirSync(dir)).toEqual(
        expect.arrayContaining(["config.json", "evaluation.json", "metrics.jsonl", "sae.pt"]),
      );
      const evaluation = JSON.parse(readFileSync(path.join(dir, "evaluation.json"), "utf8"));
      expect(evaluation.explained_variance).toBeGreaterThan(0.5);
    }
    for (const name of [
      "top_values",
      "top_img_i",
      "top_patch_i",
      "mean_values",
      "sparsity",
      "distributions",
    ]) {
      expect(existsSync(path.join(run.visuals, `${name}.pt`)), name).toBe(true);
    }
    expect(statSync(path.join(run.visuals, "index.html")).size).toBeGreaterThan(1000);
  });

  it("do nothing twice: a second recording reads no picture", async () => {
    const before = statSync(path.join(run.shards, "acts000000.bin")).mtimeMs;
    const metadata = JSON.parse(readFileSync(path.join(run.shards, "metadata.json"), "utf8"));
    const ended = await saev(
      [
        ...["activations", "--vit-ckpt", metadata.vit_ckpt, "--d-vit", "128", "--n-patches-per-img", "100"],
        ...["--vit-layers", "-2", "--n-patches-per-shard", "500", "--device", "cpu", "--dump-to", "shards"],
        ...["data:image-folder-dataset", "--data.root", "pictures"],
      ],
      { cwd: run.folder },
    );
    expect(ended.code, ended.stderr).toBe(0);
    expect(statSync(path.join(run.shards, "acts000000.bin")).mtimeMs).toBe(before);
  });

  it.skipIf(!python)("write what NumPy and torch.load(weights_only=True) read", () => {
    const script = `
import json, os, sys
import numpy as np, torch
shards, run, visuals = sys.argv[1:]
meta = json.load(open(os.path.join(shards, "metadata.json")))
per = meta["n_patches_per_shard"] // len(meta["layers"]) // (meta["n_patches_per_img"] + 1)
acts = np.concatenate([
    np.memmap(os.path.join(shards, f), dtype=np.float32, mode="r").reshape(per, len(meta["layers"]), 101, meta["d_vit"])
    for f in sorted(os.listdir(shards)) if f.endswith(".bin")])[: meta["n_imgs"]]
assert np.isfinite(acts).all() and acts.std() > 0.1
with open(os.path.join(run, "sae.pt"), "rb") as fd:
    header = json.loads(fd.readline())
    sd = torch.load(fd, weights_only=True)
assert header["schema"] == 1 and header["cfg"]["d_vit"] == 128, header
assert {k: tuple(v.shape) for k, v in sd.items()} == {"W_enc": (128, 256), "b_enc": (256,), "W_dec": (256, 128), "b_dec": (128,)}
load = lambda name: torch.load(os.path.join(visuals, name), weights_only=True)
values, images, patches = load("top_values.pt"), load("top_img_i.pt"), load("top_patch_i.pt")
assert values.shape == (256, 3, 100) and images.shape == patches.shape == (256, 3)

# The Python package's own arithmetic on our files gives our own table back.
x = torch.from_numpy(acts[:, 0, 1:].reshape(-1, 128).copy())
mean = x.mean(0); scale = (x - mean).norm(dim=1).mean() / 128 ** 0.5
f = torch.relu(((x - mean) / scale - sd["b_dec"]) @ sd["W_enc"] + sd["b_enc"]).reshape(12, 100, 256)
best = f.amax(1).T
assert torch.allclose(values.amax(2).sort(1, descending=True).values, best.sort(1, descending=True).values[:, :3], atol=2e-4)
freq = (f.reshape(-1, 256) > 0).float().mean(0)
assert (freq - load("sparsity.pt")).abs().max() <= 2 / 1200, (freq - load("sparsity.pt")).abs().max()
print("read")
`;
    expect(inPython(script, run.shards, run.runs[0]!, run.visuals)).toBe("read");
  });
});

describe("examples", () => {
  it("train-on-vectors finds the directions", () => {
    const [, found] = /^(\d+) of 48 directions found/m.exec(inExample("train-on-vectors.ts"))!;
    expect(Number(found)).toBeGreaterThan(44);
  });

  it("read-shards tells the images farthest from the mean", () => {
    const out = inExample("read-shards.ts", run.shards);
    expect(out).toContain("12 images of ImageFolderDataset(root='pictures')");
    expect(out.match(/^image \d+: [\d.]+ from the mean$/gm)).toHaveLength(5);
  });

  it("top-images names the pictures of a latent", () => {
    const out = inExample("top-images.ts", run.shards, path.join(run.runs[0]!, "sae.pt"), run.pictures);
    expect(out.match(/^latent \d+: fires on/gm)).toHaveLength(3);
    expect(out).toMatch(/ {2}\d+\.\d\d {2}(animals|food|vehicles) {2}.*\.jpg {2}\(patch \d+\)/);
  });

  it("latents-of-a-picture agrees with the shards", () => {
    const checkpoint = path.join(run.runs[0]!, "sae.pt");
    const out = inExample("latents-of-a-picture.ts", run.files[0]!, run.model, checkpoint, run.shards);
    expect(out.match(/^latent \d+: \d+\.\d\d$/gm)).toHaveLength(5);
    const [, latent, live] = /^latent (\d+): (\d+\.\d\d)$/m.exec(out)!;
    // The same latent's largest value in image 0, from the table that `saev visuals` made of the shards.
    const shown = inExample("top-images.ts", run.shards, checkpoint, run.pictures, latent!);
    const ofImage0 = shown.split("\n").find((line) => line.includes(run.files[0]!));
    if (ofImage0 !== undefined) expect(Number.parseFloat(ofImage0)).toBeCloseTo(Number(live), 1);
  });
});
