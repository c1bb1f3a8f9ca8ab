import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseActivations } from "@saev/config";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { resolveActivations } from "../activations/resolve.js";
import { TensorFile, writeTensors } from "../io/tensor-file.js";
import { tinyWeights } from "../vit/testing/tiny-clip.js";
import { ViT } from "../vit/vit.js";
import { openClipTable } from "./open-clip-table.js";
import { resolveModel } from "./resolve.js";
import { HubServer } from "./testing/hub-server.js";

const demo = path.resolve(import.meta.dirname, "../../../../examples/data/models/clip-demo");
const commit = "89abcdef0123456789abcdef0123456789abcdef";
const root = mkdtempSync(path.join(tmpdir(), "saev-resolve-"));
const read = (name: string) => readFileSync(path.join(demo, name));
const demoFiles = {
  "open_clip_config.json": read("open_clip_config.json"),
  "open_clip_model.safetensors": read("open_clip_model.safetensors"),
  "README.md": Buffer.from("# demo\n"),
};

let hub: HubServer;
let cache: string;
const http = { backoffMs: 5, stallMs: 1000 };

beforeEach(async () => {
  for (const name of Object.keys(process.env)) {
    if (/^(HF_|HUGGING|SAEV_CACHE|TORCH_HOME|https?_proxy|no_proxy)/i.test(name)) vi.stubEnv(name, undefined);
  }
  cache = mkdtempSync(path.join(root, "cache-"));
  hub = await HubServer.start({ "org/clip-demo": { commit, files: demoFiles } });
  vi.stubEnv("HF_HOME", cache);
  vi.stubEnv("TORCH_HOME", path.join(cache, "torch"));
  vi.stubEnv("HF_ENDPOINT", hub.url);
});
afterEach(async () => {
  await hub.stop();
  vi.unstubAllEnvs();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const snapshot = () => path.join(cache, "hub/models--org--clip-demo/snapshots", commit);
const off = () => vi.stubEnv("HF_HUB_OFFLINE", "1");

describe("a repository of the hub", () => {
  it("is downloaded once, loaded, and gives the values of the folder that it was made from", async () => {
    const downloads = new Set<string>();
    using fetched = await ViT.load("clip", "hf-hub:org/clip-demo", {
      onDownload: ({ file }) => downloads.add(file),
    });
    expect(fetched.folder).toBe(snapshot());
    expect([...downloads].sort()).toEqual(["open_clip_config.json", "open_clip_model.safetensors"]);
    expect(existsSync(path.join(snapshot(), "README.md"))).toBe(false);
    using local = await ViT.load("clip", demo);
    const pixels = {
      data: Uint8Array.from({ length: 160 * 160 * 3 }, (_, i) => (i * 7) % 256),
      width: 160,
      height: 160,
    };
    const [a, b] = [await fetched.preprocess([pixels]), await local.preprocess([pixels])];
    const [x, y] = [await fetched.record(a, [-1]), await local.record(b, [-1])];
    expect(x.toFloat32Array()).toEqual(y.toFloat32Array());
    for (const tensor of [a, b, x, y]) tensor.dispose();

    hub.seen.length = 0;
    await resolveModel("clip", "hf:org/clip-demo");
    // Whether the branch moved is asked; nothing is fetched.
    expect(hub.seen.map(({ path }) => path)).toEqual(["/api/models/org/clip-demo/revision/main"]);
    hub.seen.length = 0;
    off();
    for (const ckpt of ["hf:org/clip-demo", `hf:org/clip-demo@${commit}`]) {
      expect((await resolveModel("clip", ckpt)).folder).toBe(snapshot());
    }
    expect(hub.seen).toEqual([]);
  });

  it("says its sizes from the config alone", async () => {
    const cfg = { vit_ckpt: "hf:org/clip-demo", device: "cpu", data: { root: "nowhere" } };
    const sizes = { d_vit: 128, n_patches_per_img: 100, cls_token: true };
    expect(await resolveActivations(parseActivations(cfg))).toMatchObject(sizes);
    expect(hub.gets.map(({ path }) => path.split("/").at(-1))).toEqual(["open_clip_config.json"]);
    await expect(resolveActivations(parseActivations({ ...cfg, d_vit: 1024 }))).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringMatching(/org\/clip-demo is another: d_vit is 128, not 1024;/),
    });
    expect(hub.gets).toHaveLength(1);
    // The branch does not count as here before the weights are.
    off();
    await expect(resolveActivations(parseActivations(cfg))).rejects.toMatchObject({ code: "NOT_FOUND" });
    vi.stubEnv("HF_HUB_OFFLINE", "0");
    await resolveModel("clip", "hf:org/clip-demo");
    off();
    expect(await resolveActivations(parseActivations(cfg))).toMatchObject(sizes);
  });

  it("names of models say their sizes without a network", async () => {
    off();
    const of = (vit_family: string, vit_ckpt: string) =>
      resolveActivations(parseActivations({ vit_family, vit_ckpt }));
    expect(await of("clip", "ViT-B-16/openai")).toMatchObject({ d_vit: 768, n_patches_per_img: 196 });
    expect(await of("clip", "ViT-L-14/openai")).toMatchObject({ d_vit: 1024, n_patches_per_img: 256 });
    expect(hub.seen).toEqual([]);
  });

  it("follows its branch, and keeps the commit that was complete when the next one cannot be had", async () => {
    await resolveModel("clip", "hf:org/clip-demo");
    const next = "1".repeat(40);
    hub.repos.set("org/clip-demo", {
      commit: next,
      files: {
        ...demoFiles,
        "open_clip_model.safetensors": Buffer.concat([
          demoFiles["open_clip_model.safetensors"],
          Buffer.alloc(1),
        ]),
      },
    });
    hub.faults = Array.from({ length: 5 }, () => ({ do: "cut" as const, after: 0 }));
    await expect(resolveModel("clip", "hf:org/clip-demo", { http })).rejects.toMatchObject({ code: "IO" });
    off();
    expect((await resolveModel("clip", "hf:org/clip-demo")).commit).toBe(commit);
    vi.stubEnv("HF_HUB_OFFLINE", "0");
    const model = await resolveModel("clip", "hf:org/clip-demo");
    expect(model.commit).toBe(next);
    // The config did not change: its blob is shared, not fetched again.
    expect(hub.gets.filter(({ path }) => path.endsWith(".json")).length).toBe(1);
  });

  it("comes from the cache when nobody answers, which is said", async () => {
    await resolveModel("clip", "hf:org/clip-demo");
    await hub.stop();
    const notes: string[] = [];
    const model = await resolveModel("clip", "hf:org/clip-demo", { http, onNote: (n) => notes.push(n) });
    expect(model.folder).toBe(snapshot());
    expect(notes).toEqual([
      expect.stringMatching(/cannot reach .*; using the cached copy of org\/clip-demo/),
    ]);
    hub = await HubServer.start();
  });

  it("is looked for in every cache, and SAEV_CACHE is written to when Hugging Face's are not named", async () => {
    vi.stubEnv("HF_HOME", undefined);
    vi.stubEnv("XDG_CACHE_HOME", path.join(cache, "xdg"));
    const usual = await resolveModel("clip", "hf:org/clip-demo");
    expect(usual.folder).toContain(path.join(cache, "xdg/huggingface/hub/models--org--clip-demo"));
    vi.stubEnv("SAEV_CACHE", path.join(cache, "ours"));
    expect((await resolveModel("clip", "hf:org/clip-demo")).folder).toBe(usual.folder);
    rmSync(path.join(cache, "xdg"), { recursive: true });
    expect((await resolveModel("clip", "hf:org/clip-demo")).folder).toContain(
      path.join(cache, "ours/hub/models--org"),
    );
  });

  it("downloads once when two ask at the same time", async () => {
    const both = await Promise.all([1, 2].map(() => resolveModel("clip", "hf:org/clip-demo")));
    expect(both[0]!.weights).toEqual(both[1]!.weights);
    expect(hub.gets.length).toBe(2);
  });

  it("takes the shards that an index names, and nothing outside", async () => {
    const index = (map: object) => Buffer.from(JSON.stringify({ weight_map: map }));
    const put = (map: object) =>
      hub.repos.set("org/shards", {
        commit,
        files: {
          "config.json": Buffer.from("{}"),
          "model.safetensors.index.json": index(map),
          "a-00001.safetensors": Buffer.alloc(3000, 1),
          "a-00002.safetensors": Buffer.alloc(3000, 2),
        },
      });
    put({ x: "a-00001.safetensors", y: "a-00002.safetensors", z: "a-00001.safetensors" });
    const model = await resolveModel(undefined, "hf:org/shards");
    expect(model.weights.map((file) => path.basename(file))).toEqual([
      "a-00001.safetensors",
      "a-00002.safetensors",
    ]);
    for (const [map, message] of [
      [{ x: "../../../../etc/passwd" }, /expected weight_map with the names of files/],
      [{ x: "gone.safetensors" }, /names files that the repository does not hold/],
    ] as const) {
      rmSync(path.join(cache, "hub"), { recursive: true });
      put(map);
      await expect(resolveModel(undefined, "hf:org/shards")).rejects.toMatchObject({
        message: expect.stringMatching(message),
      });
    }
  });

  it("takes shards of torch files, and gives the values of the whole", async () => {
    using tensors = await TensorFile.open(path.join(demo, "open_clip_model.safetensors"));
    const names = tensors.names();
    const parts = [0, 1].map((part) => names.filter((_, i) => i % 2 === part));
    const folder = mkdtempSync(path.join(root, "bins-"));
    const files: Record<string, Buffer> = { "open_clip_config.json": demoFiles["open_clip_config.json"] };
    const map: Record<string, string> = {};
    for (const [i, part] of parts.entries()) {
      const name = `open_clip_pytorch_model-0000${i + 1}-of-00002.bin`;
      await writeTensors(
        path.join(folder, name),
        Object.fromEntries(part.map((tensor) => [tensor, tensors.get(tensor)])),
      );
      files[name] = readFileSync(path.join(folder, name));
      for (const tensor of part) map[tensor] = name;
    }
    files["open_clip_pytorch_model.bin.index.json"] = Buffer.from(JSON.stringify({ weight_map: map }));
    hub.repos.set("org/bins", { commit, files });
    using sharded = await ViT.load("clip", "hf:org/bins");
    using whole = await ViT.load("clip", demo);
    const pixels = { data: new Uint8Array(160 * 160 * 3).fill(90), width: 160, height: 160 };
    using input = await whole.preprocess([pixels]);
    using x = await sharded.record(input, [-1]);
    using y = await whole.record(input, [-1]);
    expect(x.toFloat32Array()).toEqual(y.toFloat32Array());
    off();
    expect((await resolveModel("clip", "hf:org/bins")).weights).toHaveLength(2);
  });

  it("says what is there when it is no model of the family, not there, private, or not here", async () => {
    hub.repos.set("org/bert", {
      commit,
      files: { "config.json": Buffer.from("{}"), "model.safetensors": Buffer.alloc(10) },
    });
    await expect(resolveModel("clip", "hf:org/bert")).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringMatching(
        /expected open_clip_config.json and .* in org\/bert; it holds config.json, model/,
      ),
    });
    await expect(resolveModel("clip", "hf:org/gone")).rejects.toMatchObject({
      message: expect.stringMatching(/no such repository/),
    });
    await expect(resolveModel("clip", "hf:org/clip-demo@v9")).rejects.toMatchObject({
      message: expect.stringMatching(/hf?.*no such revision/),
    });
    hub.token = "hf_x";
    await expect(resolveModel("clip", "hf:org/clip-demo")).rejects.toMatchObject({
      message: expect.stringMatching(/set HF_TOKEN/),
    });
    off();
    await expect(resolveModel("clip", "hf:org/clip-demo")).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringMatching(/not in the hub's caches .*saev download hf:org\/clip-demo/),
    });
  });

  it("shows what a hostile server names in one line, and does nothing when aborted before", async () => {
    const names = ["a\n\u001b[2J\u202eb.bin", "x".repeat(900)];
    hub.repos.set("org/odd", {
      commit,
      files: Object.fromEntries(names.map((name) => [name, Buffer.alloc(1)])),
    });
    const error = (await resolveModel("clip", "hf:org/odd").catch((e) => e)) as Error;
    expect(error.message).toMatch(/it holds a \[2J b\.bin/);
    expect(error.message).toMatch(/^[\x20-\x7e…]{1,800}$/);
    hub.seen.length = 0;
    const reason = new Error("enough");
    await expect(resolveModel("clip", "hf:org/odd", { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    expect(hub.seen).toEqual([]);
  });

  it("warns about ssl = false", async () => {
    const notes: string[] = [];
    await resolveModel("clip", "hf:org/clip-demo", { ssl: false, onNote: (n) => notes.push(n) });
    expect(notes).toEqual([expect.stringMatching(/certificates of servers are not checked/)]);
  });

  it.each([
    "",
    "<html>log in to the hotel's network</html>",
    "null",
    '{"siblings": 7}',
    '{"siblings": [7, {"rfilename": 7}]}',
    `{"sha": "../..", "siblings": []}`,
  ])("is refused when the server answers %j, like no hub", async (text) => {
    hub.metadataFaults = [{ do: "text", text }];
    await expect(resolveModel("clip", "hf-hub:org/clip-demo")).rejects.toMatchObject({
      code: "BAD_FILE",
      message: expect.stringMatching(
        /^org\/clip-demo: .*(answers like no hub|names no commit); check HF_ENDPOINT$/,
      ),
    });
  });
});

describe("a pretrained tag", () => {
  it("is loaded from its repository with the table's config", { timeout: 60_000 }, async () => {
    const entry = openClipTable().pretrained["ViT-B-32"]!.openai!;
    const vision = {
      ...(openClipTable().architectures["ViT-B-32"]!.vision_cfg as {
        image_size: number;
        width: number;
        layers: number;
        patch_size: number;
      }),
      head_width: 64,
      mlp_ratio: 4,
    };
    const weights = tinyWeights({ vision: { ...vision, width: 768, layers: 1 } });
    hub.repos.set(entry.repo, {
      commit,
      files: { "open_clip_model.safetensors": emptyWeights(weights, vision.layers) },
    });
    using vit = await ViT.load("clip", "ViT-B-32/openai");
    expect(vit).toMatchObject({ dVit: 768, nLayers: 12, nPatches: 49, clsToken: true });
    expect(vit.folder).toContain("models--timm--vit_base_patch32_clip_224.openai");
    expect(vit.transform).toMatchObject({ mode: "shortest", filter: "bicubic", width: 224 });
  });

  it("belongs to a family", async () => {
    await expect(resolveModel("dinov2", "ViT-B-32/openai")).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringMatching(/of the clip family, not of dinov2; use vit_family clip/),
    });
    await expect(resolveModel("clip", "ViT-B-16-SigLIP/webli")).rejects.toMatchObject({
      message: expect.stringMatching(/use vit_family siglip/),
    });
    await expect(resolveModel("clip", "dinov2_vits14")).rejects.toMatchObject({
      message: expect.stringMatching(/use vit_family dinov2/),
    });
  });
});

/** A safetensors file of float16 zeros: the tensors of one block, for all blocks. */
function emptyWeights(oneBlock: ReturnType<typeof tinyWeights>, layers: number): Buffer {
  const header: Record<string, object> = {};
  let at = 0;
  const add = (name: string, shape: readonly number[]) => {
    const bytes = 2 * shape.reduce((a, b) => a * b, 1);
    header[name] = { dtype: "F16", shape, data_offsets: [at, at + bytes] };
    at += bytes;
  };
  for (const [name, { shape }] of oneBlock) {
    const copies = name.includes("resblocks.0") ? layers : 1;
    for (let i = 0; i < copies; i++) add(name.replace("resblocks.0", `resblocks.${i}`), shape);
  }
  const text = Buffer.from(JSON.stringify(header));
  const file = Buffer.alloc(8 + text.length + at);
  file.writeBigUInt64LE(BigInt(text.length));
  text.copy(file, 8);
  return file;
}

describe("a file", () => {
  it("is read with the config beside it, or with that of the weights published under its name", async () => {
    const folder = mkdtempSync(path.join(root, "files-"));
    cpSync(demo, folder, { recursive: true });
    const file = path.join(folder, "open_clip_model.safetensors");
    using vit = await ViT.load("clip", file);
    expect(vit.dVit).toBe(128);
    rmSync(path.join(folder, "open_clip_config.json"));
    await expect(resolveModel("clip", file)).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringMatching(/expected open_clip_config.json beside it/),
    });
    const published = path.join(folder, "vit_b_32-quickgelu-laion400m_e32-46683a32.pt");
    writeFileSync(published, "weights");
    const model = await resolveModel("clip", published);
    expect(JSON.parse(model.config!.text).model_cfg).toMatchObject({
      quick_gelu: true,
      vision_cfg: { patch_size: 32 },
    });
  });

  it("that is a TorchScript archive is refused, and the same weights are named", async () => {
    const file = path.join(root, "ViT-B-32.pt");
    cpSync(path.resolve(demo, "../../../../test/fixtures/hub/torchscript.pt"), file);
    await expect(resolveModel("clip", file)).rejects.toMatchObject({
      code: "UNSUPPORTED",
      message: expect.stringMatching(/TorchScript archive.*use vit_ckpt ViT-B-32\/openai/),
    });
  });
});

describe("a DINOv2", () => {
  it("is taken from torch.hub's cache", async () => {
    const checkpoints = path.join(cache, "torch/hub/checkpoints");
    mkdirSync(checkpoints, { recursive: true });
    const file = path.join(checkpoints, "dinov2_vitb14_reg4_pretrain.pth");
    writeFileSync(file, "weights");
    expect((await resolveModel("dinov2", "dinov2_vitb14_reg")).weights).toEqual([file]);
    off();
    await expect(resolveModel("dinov2", "dinov2_vits14")).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringMatching(/not in torch.hub's cache \(TORCH_HOME\)/),
    });
  });
});
