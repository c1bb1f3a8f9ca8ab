import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { metadataHash, metadataText, parseMetadata } from "@saev/config";
import { Tensor, writeSaeFile, writeSafetensors, writeTensor, writeTensors } from "@saev/core";
import { afterAll, describe, expect, test } from "vitest";
import { exitCodeOf, report } from "../errors.js";
import { runInfo } from "./run-info.js";

const folder = mkdtempSync(path.join(tmpdir(), "saev-info-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs `saev info` in this process, and what `main` does about an error. */
async function info(...args: string[]) {
  const out = { stdout: "", stderr: "" };
  const stream = (name: "stdout" | "stderr") => ({
    write: (text: string) => {
      out[name] += text;
    },
  });
  const io = { stdout: stream("stdout"), stderr: stream("stderr"), env: {} };
  const code = await runInfo(args, io).catch((error: unknown) => {
    report(error, io);
    return exitCodeOf(error);
  });
  return { code, ...out };
}

const json = async (at: string) => JSON.parse((await info(at, "--json")).stdout) as Record<string, unknown>;

const metadata = parseMetadata({
  vit_family: "clip",
  vit_ckpt: "a model",
  layers: [-2, -1],
  n_patches_per_img: 4,
  cls_token: true,
  d_vit: 3,
  seed: 1,
  n_imgs: 5,
  n_patches_per_shard: 20,
  data: "ImageFolderDataset(root='imgs')",
});

/** A shard folder whose files have the right sizes: 2 images a shard, so 3 shards for 5 images. */
function shardFolder(parent: string, shards = 3): string {
  const dir = path.join(parent, metadataHash(metadata));
  mkdirSync(dir, { recursive: true });
  writeFileSync(path.join(dir, "metadata.json"), metadataText(metadata));
  for (let i = 0; i < shards; i++) {
    writeFileSync(path.join(dir, `acts${String(i).padStart(6, "0")}.bin`), Buffer.alloc(2 * 2 * 5 * 3 * 4));
  }
  return dir;
}

async function sae(dir: string): Promise<string> {
  mkdirSync(dir, { recursive: true });
  const zeros = (...shape: number[]) =>
    Tensor.from(new Float32Array(shape.reduce((n, d) => n * d, 1)), shape);
  const header = { schema: 1, cfg: { d_vit: 3, exp_factor: 2, seed: 7 }, cls: "Relu", lib: "1.2.3" };
  const tensors = { W_enc: zeros(3, 6), b_enc: zeros(6), W_dec: zeros(6, 3), b_dec: zeros(3) };
  await writeSaeFile(path.join(dir, "sae.pt"), header, tensors);
  return path.join(dir, "sae.pt");
}

describe("a shard folder", () => {
  test("is described from its metadata and its files", async () => {
    const dir = shardFolder(path.join(folder, "shards"));
    const { code, stdout, stderr } = await info(dir);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("shard folder");
    expect(stdout).toMatch(/^images +5$/m);
    expect(stdout).toMatch(/^tokens +5 tokens an image \(4 patches and CLS\)$/m);
    expect(stdout).toMatch(/^shards +3 of 3, 2 images each$/m);
    expect(stdout).not.toContain("note:");
    expect(await json(dir)).toMatchObject({
      kind: "shard-folder",
      metadata,
      complete: true,
      bytes: 720,
      problems: [],
    });
  });

  test("that is not finished, has a short file or another name says so", async () => {
    const dir = shardFolder(path.join(folder, "unfinished"), 2);
    truncateSync(path.join(dir, "acts000001.bin"), 100);
    const copy = path.join(folder, "renamed");
    cpSync(dir, copy, { recursive: true });
    const { problems, complete } = await json(copy);
    expect(complete).toBe(false);
    expect(problems).toEqual([
      "expected 3 shard files, found 2",
      "acts000001.bin: expected 240 bytes, found 100",
      expect.stringContaining(metadataHash(metadata)),
    ]);
  });

  test("of ours says how far it came, and which images were left out", async () => {
    const dir = shardFolder(path.join(folder, "status"), 3);
    const status = { format: 1, status: "recording", images_done: 4, holes: [1, 3] };
    writeFileSync(path.join(dir, "saev.json"), JSON.stringify(status));
    expect(await json(dir)).toMatchObject({
      complete: false,
      images_done: 4,
      holes: [1, 3],
      problems: [
        expect.stringMatching(/^not finished: 4 of 5 images are recorded; run the same/),
        "2 images could not be read and are left out: 1, 3",
      ],
    });
  });

  test.each([
    ["{", /BAD_FILE: .*metadata\.json: expected JSON/],
    ['{"d_vit": 1}', /BAD_FILE: .*metadata\.json: .*vit_family/],
    ["[]", /BAD_FILE: .*metadata\.json: /],
  ])("with metadata %j fails in one line", async (text, message) => {
    const dir = path.join(folder, "bad-metadata");
    mkdirSync(dir, { recursive: true });
    writeFileSync(path.join(dir, "metadata.json"), text);
    const { code, stdout, stderr } = await info(dir);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toMatch(message);
    expect(stderr.split("\n")).toHaveLength(2);
  });
});

describe("an SAE", () => {
  test("is described from its header and its tensors", async () => {
    const file = await sae(path.join(folder, "sae"));
    const { stdout } = await info(file);
    expect(stdout).toMatch(/^d_sae +6 latents$/m);
    expect(stdout).toMatch(/^exp_factor +2$/m);
    expect(stdout).toMatch(/^W_enc +float32 +\[3, 6\]$/m);
    expect(await json(file)).toMatchObject({
      kind: "sae",
      d_vit: 3,
      d_sae: 6,
      header: { cls: "Relu" },
      problems: [],
    });
  });

  test("that is cut off fails in one line", async () => {
    const file = await sae(path.join(folder, "cut"));
    truncateSync(file, 300);
    const { code, stderr } = await info(file);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^saev: BAD_FILE: .*\n$/);
  });
});

test("a run shows its config, the end of its metrics and its SAE", async () => {
  const dir = path.join(folder, "runs", "one");
  await sae(dir);
  writeFileSync(path.join(dir, "config.json"), JSON.stringify({ lr: 0.1, sae: { d_vit: 3 } }));
  writeFileSync(path.join(dir, "metrics.jsonl"), '{"step":1,"mse":0.5}\n{"step":2,"mse":0.25}\n{"step":3,"m');
  const { stdout } = await info(dir);
  expect(stdout).toMatch(/^ +mse +0\.25$/m);
  expect(stdout).toContain("lr = 0.1");
  expect(await json(dir)).toMatchObject({
    kind: "run",
    config: { lr: 0.1 },
    metrics: { entries: 2, last: { step: 2 } },
    sae: { d_sae: 6 },
    problems: [],
  });
  const lines = ['{"step":1,"mse":0.5}', '{"step":2,"mse":0.25}', '{"step":2,"val_mse":0.375}', ""];
  writeFileSync(path.join(dir, "metrics.jsonl"), lines.join("\n"));
  expect(await json(dir)).toMatchObject({
    metrics: { entries: 3, last: { step: 2, mse: 0.25, val_mse: 0.375 } },
  });
  writeFileSync(path.join(dir, "evaluation.json"), JSON.stringify({ mse: 0.375 }));
  expect((await info(dir)).stdout).toMatch(/^evaluation +on all activations:$/m);
  writeFileSync(path.join(dir, "config.json"), JSON.stringify({ val_fraction: 0.1 }));
  expect((await info(dir)).stdout).toMatch(/^evaluation +on activations that were not trained on:$/m);
  rmSync(path.join(dir, "sae.pt"));
  expect(await json(dir)).toMatchObject({
    sae: null,
    problems: [expect.stringContaining("sae.pt is missing")],
  });
});

test("a visuals folder shows its tables and how many latents fired", async () => {
  const dir = path.join(folder, "sort_by_patch");
  mkdirSync(path.join(dir, "neurons", "3"), { recursive: true });
  const write = (name: string, data: Float32Array | BigInt64Array, shape: number[]) =>
    writeTensor(path.join(dir, name), Tensor.from(data, shape));
  await write("top_values.pt", new Float32Array(8), [4, 2]);
  await write("top_img_i.pt", new BigInt64Array(8), [4, 2]);
  await write("sparsity.pt", new Float32Array([0, 0.5, 0.25, 0.125]), [4]);
  const { stdout } = await info(dir);
  expect(stdout).toMatch(/^latents +4, of which 3 fired$/m);
  expect(await json(dir)).toMatchObject({
    kind: "visuals",
    latents: 4,
    alive: 3,
    median_frequency: 0.25,
    top_k: 2,
    shown: 1,
    problems: ["mean_values.pt is missing", "distributions.pt is missing", "percentiles_p*.pt is missing"],
  });
});

test("a model folder says with which flags to record", async () => {
  const dir = path.join(folder, "model");
  mkdirSync(dir, { recursive: true });
  const vision_cfg = { image_size: 32, layers: 3, width: 8, head_width: 4, patch_size: 16 };
  writeFileSync(
    path.join(dir, "open_clip_config.json"),
    JSON.stringify({ model_cfg: { vision_cfg, quick_gelu: true } }),
  );
  expect(await json(dir)).toMatchObject({ problems: ["open_clip_model.safetensors is missing"] });
  await writeSafetensors(path.join(dir, "open_clip_model.safetensors"), {
    a: Tensor.from(new Float32Array(6), [2, 3]),
  });
  const { stdout } = await info(dir);
  expect(stdout).toMatch(/^MLP +32 wide, quick GELU$/m);
  expect(stdout).toMatch(/^transform +shorter side to 32 \(bicubic\), middle 32 × 32, mean 0\.48/m);
  expect(stdout).toMatch(/^record with +--vit-family clip --vit-ckpt .* --d-vit 8 --n-patches-per-img 4$/m);
  expect(await json(dir)).toMatchObject({
    kind: "vit",
    patches_per_image: 4,
    parameters: 6,
    dtypes: ["F32"],
  });
  const sharded = path.join(folder, "sharded");
  mkdirSync(sharded);
  cpSync(path.join(dir, "open_clip_config.json"), path.join(sharded, "open_clip_config.json"));
  const shards = ["own-00001-of-00002.bin", "own-00002-of-00002.bin"];
  for (const name of shards)
    await writeTensors(path.join(sharded, name), { [name]: Tensor.from(new Float32Array(5), [5]) });
  expect((await info(sharded)).stdout).toMatch(/^size +[\d.]+ kB in 2 files$/m);
  expect(await json(sharded)).toMatchObject({ n_tensors: 2, parameters: 10, dtypes: ["F32"], problems: [] });
  truncateSync(path.join(dir, "open_clip_model.safetensors"), 12);
  const cut = await info(dir);
  expect(cut.code).toBe(1);
  expect(cut.stderr).toMatch(
    /^saev: BAD_FILE: .*expected safetensors, found a header of \d+ bytes in a file of 12\n$/,
  );
});

test("a model folder of each family is known by its config", async () => {
  const write = async (name: string, config: string, text: object) => {
    const dir = path.join(folder, name);
    mkdirSync(dir, { recursive: true });
    writeFileSync(path.join(dir, config), JSON.stringify(text));
    const weights = { a: Tensor.from(new Float32Array(6), [2, 3]) };
    if (config === "config.json") await writeTensors(path.join(dir, "model.pth"), weights);
    else await writeSafetensors(path.join(dir, "open_clip_model.safetensors"), weights);
    return dir;
  };
  const siglip = await write("siglip", "open_clip_config.json", {
    model_cfg: { vision_cfg: { image_size: 256, timm_model_name: "vit_base_patch32_siglip_256" } },
    preprocess_cfg: { resize_mode: "squash" },
  });
  const { stdout } = await info(siglip);
  expect(stdout).toMatch(/^transform +both sides to 256 × 256 \(bicubic\), mean/m);
  expect(stdout).toMatch(/^MLP +3,072 wide, tanh GELU$/m);
  expect(stdout).toMatch(/--vit-family siglip .* --d-vit 768 --n-patches-per-img 64 --no-cls-token$/m);
  const kwargs = { embed_dim: 384, depth: 12, num_heads: 6, num_register_tokens: 4 };
  const dinov2 = await write("dinov2", "config.json", { kwargs });
  expect((await info(dinov2)).stdout).toMatch(/^other tokens +CLS, 4 registers \(never recorded\)$/m);
  expect(await json(dinov2)).toMatchObject({
    ...{ kind: "vit", family: "dinov2", patches_per_image: 256, dtypes: ["F32"], problems: [] },
    model: { nRegisters: 4, transform: { resizeWidth: 256, filter: "bilinear" } },
  });
  const resnet = await write("resnet", "open_clip_config.json", {
    model_cfg: { vision_cfg: { layers: [3, 4, 6, 3] } },
  });
  expect(await json(resnet)).toMatchObject({ problems: [expect.stringMatching(/ResNet/)] });
});

test("a file of tensors lists them; a folder of runs lists those", async () => {
  const file = path.join(folder, "x.bin");
  await writeSafetensors(file, { a: Tensor.from(new Float32Array(6), [2, 3]) }, { metadata: { by: "us" } });
  expect(await json(file)).toMatchObject({
    kind: "tensor-file",
    tensors: [{ name: "a", dtype: "float32", shape: [2, 3] }],
    metadata: { by: "us" },
  });
  expect(await json(path.join(folder, "shards"))).toMatchObject({
    kind: "collection",
    parts: [{ name: metadataHash(metadata), kind: "shard-folder" }],
  });
});

test.each<[what: string, make: (at: string) => void, message: RegExp]>([
  ["nothing", () => {}, /NOT_FOUND: .*: nothing is there/],
  ["an empty folder", (at) => mkdirSync(at), /BAD_FILE: .*found an empty folder/],
  ["a text file", (at) => writeFileSync(at, "hello"), /BAD_FILE: .*: expected an SAE/],
  ["an empty file", (at) => writeFileSync(at, ""), /BAD_FILE: .*: expected an SAE/],
  [
    "a folder of other things",
    (at) => {
      mkdirSync(at);
      for (let i = 0; i < 7; i++) writeFileSync(path.join(at, `f${i}`), "");
    },
    /BAD_FILE: .*found .* and 2 more/,
  ],
])("%s is recognised as such", async (what, make, message) => {
  const at = path.join(folder, what);
  make(at);
  const { code, stderr } = await info(at);
  expect(code).toBe(1);
  expect(stderr).toMatch(message);
});

const reference =
  process.env.SAEV_REFERENCE ?? path.resolve(import.meta.dirname, "../../../../../shared/reference");

test.skipIf(!existsSync(reference))(
  "everything in the reference is recognised without a problem",
  async () => {
    const found = new Map<string, number>();
    const expected = new Map<string, number>();
    const visit = async (dir: string, kind: string, name: string) => {
      for (const entry of readdirSync(dir, { withFileTypes: true }).filter((e) => e.isDirectory())) {
        const at = path.join(dir, entry.name);
        if (!existsSync(path.join(at, name))) continue;
        expected.set(kind, (expected.get(kind) ?? 0) + 1);
        const result = await json(at);
        found.set(result.kind as string, (found.get(result.kind as string) ?? 0) + 1);
        if (kind === "shard-folder") {
          const { metadata: read } = result;
          expect(read).toEqual(JSON.parse(readFileSync(path.join(at, name), "utf8")));
        }
        if (kind === "shard-folder" || kind === "vit") expect(result.problems).toEqual([]);
      }
    };
    await visit(path.join(reference, "shards"), "shard-folder", "metadata.json");
    await visit(path.join(reference, "sae/checkpoints"), "run", "sae.pt");
    await visit(path.join(reference, "vit"), "vit", "open_clip_config.json");
    await visit(path.join(reference, "vit"), "vit", "model.pth");
    await visit(path.join(reference, "visuals"), "visuals", "top_img_i.pt");
    expect(found).toEqual(expected);
    expect(expected.size).toBe(4);
  },
);
