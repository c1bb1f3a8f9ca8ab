import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { vitFamilies } from "@saev/config";
import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import { familyNames } from "../vit/families.js";
import { writeTinySiglip } from "../vit/testing/tiny-timm.js";
import { ViT } from "../vit/vit.js";
import { knownModels } from "./models.js";
import { HubServer } from "./testing/hub-server.js";

const commit = "89abcdef0123456789abcdef0123456789abcdef";
const root = mkdtempSync(path.join(tmpdir(), "saev-known-models-"));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true, force: true });
});

let cache: string;
beforeEach(() => {
  for (const name of Object.keys(process.env)) {
    if (/^(HF_|HUGGING|SAEV_CACHE|https?_proxy|no_proxy)/i.test(name)) vi.stubEnv(name, undefined);
  }
  cache = mkdtempSync(path.join(root, "hub-"));
  vi.stubEnv("HF_HUB_CACHE", cache);
  vi.stubEnv("TORCH_HOME", path.join(root, "torch"));
});

/** A repository as it lies in the cache. */
function put(repo: string, files: Readonly<Record<string, string | number>>): string {
  const folder = path.join(cache, `models--${repo.replaceAll("/", "--")}`);
  const snapshot = path.join(folder, "snapshots", commit);
  mkdirSync(path.join(folder, "refs"), { recursive: true });
  mkdirSync(snapshot, { recursive: true });
  writeFileSync(path.join(folder, "refs/main"), commit);
  for (const [name, content] of Object.entries(files))
    writeFileSync(
      path.join(snapshot, name),
      typeof content === "number" ? Buffer.alloc(content, 1) : content,
    );
  return snapshot;
}

const index = (...parts: string[]) =>
  JSON.stringify({ weight_map: Object.fromEntries(parts.map((part, i) => [`tensor${i}`, part])) });
const vit = JSON.stringify({
  ...{ model_type: "vit", hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 2 },
  ...{ intermediate_size: 64, image_size: 32, patch_size: 16 },
});
const openClip = JSON.stringify({
  model_cfg: { embed_dim: 8, vision_cfg: { layers: 3, width: 64, patch_size: 16, image_size: 64 } },
});
const [one, two] = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];

it("families have the names that --vit-family takes", () => {
  expect([...familyNames].sort()).toEqual([...vitFamilies].sort());
});

describe("what lies in the cache", () => {
  const cached = async () => (await knownModels()).filter((model) => model.cached);

  it("is listed where its weights are parts with an index, in any family's layout", async () => {
    const files = { "model.safetensors.index.json": index(one, two, one), [one]: 3000, [two]: 500 };
    const snapshot = put("org/vit", { "config.json": vit, ...files });
    put("org/clip", {
      "open_clip_config.json": openClip,
      "open_clip_model.safetensors.index.json": index(one),
      [one]: 70,
    });
    put("laion/CLIP-ViT-bigG-14-laion2B-39B-b160k", {
      "open_clip_model.safetensors.index.json": index(one, two),
      [one]: 10,
      [two]: 20,
    });
    expect(await cached()).toMatchObject([
      { name: "ViT-bigG-14/laion2b_s39b_b160k", cached: { bytes: 30 } },
      { name: "hf-hub:org/clip", sizes: { family: "clip", dVit: 64, nPatches: 16 }, cached: { bytes: 70 } },
      {
        name: "hf-hub:org/vit",
        sizes: { family: "vit", dVit: 32, layers: 2, nPatches: 4, runs: true },
        source: "org/vit",
        cached: { path: path.join(snapshot, one), bytes: 3500 },
      },
    ]);
  });

  it("is not listed while a part is missing, nor when it is no model of a family", async () => {
    put("org/cut", { "config.json": vit, "model.safetensors.index.json": index(one, two), [one]: 9 });
    put("org/bert", { "config.json": '{"model_type": "bert"}', "model.safetensors": 9 });
    put("org/damaged", { "config.json": "{", "model.safetensors": 9 });
    put("org/hostile", {
      "config.json": vit,
      "model.safetensors.index.json": index("../../../../etc/passwd"),
    });
    expect(await cached()).toEqual([]);
  });
});

it("a SigLIP of no name in timm is downloaded with the file that describes its trunk", async () => {
  const folder = path.join(root, "siglip");
  await writeTinySiglip(folder);
  const names = ["open_clip_config.json", "open_clip_model.safetensors", "timm_trunk.json"];
  const files = Object.fromEntries(names.map((name) => [name, readFileSync(path.join(folder, name))]));
  const hub = await HubServer.start({ "org/siglip": { commit, files } });
  try {
    vi.stubEnv("HF_ENDPOINT", hub.url);
    using fetched = await ViT.load("siglip", "hf-hub:org/siglip");
    expect(hub.gets.map((get) => get.path.split("/").at(-1)).sort()).toEqual(names);
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    using again = await ViT.load("siglip", "hf-hub:org/siglip");
    using local = await ViT.load("siglip", folder);
    for (const { dVit, nLayers, transform } of [again, fetched])
      expect({ dVit, nLayers, transform }).toEqual({
        ...{ dVit: local.dVit, nLayers: local.nLayers, transform: local.transform },
      });
    expect((await knownModels()).at(-1)).toMatchObject({
      name: "hf-hub:org/siglip",
      sizes: { family: "siglip", dVit: local.dVit, runs: true },
    });
  } finally {
    await hub.stop();
  }
});
