import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { SaevError } from "../errors.js";
import { describeModel } from "../vit/describe.js";
import { familyNames } from "../vit/families.js";
import { HubCache } from "./cache.js";
import { dinov2Models, dinov2PatchSize } from "./dinov2-models.js";
import { hubCaches } from "./environment.js";
import { layouts } from "./layouts.js";
import { familyOfTag, openClipConfigOf, openClipTable } from "./open-clip-table.js";
import type { ModelReference } from "./references.js";
import type { ResolvedModel } from "./resolved-model.js";
import { cachedTorchHubFile } from "./torch-hub.js";

/** What recording with a model needs to know of it. */
export interface ModelSizes {
  /** As in `vit_family`. */
  readonly family: string;
  readonly dVit: number;
  readonly layers: number;
  readonly heads: number;
  /** [height, width] in pixels that pictures are brought to, and of a patch. */
  readonly image: readonly [number, number];
  readonly patch: readonly [number, number];
  /** Patches of a picture. */
  readonly nPatches: number;
  readonly clsToken: boolean;
  /** Whether this version can record it. */
  readonly runs: boolean;
}

/** A model that can be named by a `vit_ckpt`. Sizes are absent for a cached repository whose config saev cannot read. */
export interface KnownModel {
  /** The `vit_ckpt`. */
  readonly name: string;
  readonly sizes: ModelSizes | undefined;
  /** Where its weights are: a repository or an address. */
  readonly source: string;
  /** Where they lie on this machine, if they do, and how large they are. */
  readonly cached: { readonly path: string; readonly bytes: number } | undefined;
}

/** DINOv2 takes any size; the Python package gives it 224 pixels. */
const dinov2Side = 224;

/**
 * The models that saev knows by name: every ViT among open_clip's pretrained tags, DINOv2, and repositories with an
 * open_clip model that lie in the hub's caches. Asks no server.
 */
export async function knownModels(): Promise<KnownModel[]> {
  const { pretrained } = openClipTable();
  const names = Object.entries(pretrained).flatMap(([architecture, tags]) =>
    Object.entries(tags).map(([tag, entry]) => ({ kind: "tag", architecture, tag, entry }) as const),
  );
  const tags = names.map(async (reference) => {
    const { repo, file } = reference.entry;
    return {
      name: `${reference.architecture}/${reference.tag}`,
      sizes: sizesOf(reference),
      source: repo,
      cached: await cachedWeights(repo, file ? [file] : layouts.openClip.weights),
    };
  });
  const dinov2 = Object.entries(dinov2Models).map(async ([name, model]) => {
    const url = new URL(model.url);
    const file = await cachedTorchHubFile(url);
    return {
      name,
      sizes: sizesOf({ kind: "dinov2", name, model }),
      source: model.url,
      cached: await sized(file),
    };
  });
  const all = await Promise.all([...tags, ...dinov2]);
  // The plain sizes first: they are what most people look for.
  const plain = ({ name }: KnownModel) => name.startsWith("ViT-");
  const known = [...all.filter(plain), ...all.filter((model) => !plain(model))];
  return [...known, ...(await cachedRepositories(new Set(known.map(({ source }) => source))))];
}

/** The sizes of a model whose files are here, or undefined when saev cannot read its config. */
export function sizesOfResolved({ reference, config }: ResolvedModel): ModelSizes | undefined {
  return sizesOf(reference) ?? (config && sizesOfConfig(config.text, config.from));
}

/** The sizes of a model that has a name of its own; undefined for others. */
export function sizesOf(reference: ModelReference): ModelSizes | undefined {
  if (reference.kind === "dinov2") {
    const { dVit, layers, heads } = reference.model;
    const side = dinov2Side / dinov2PatchSize;
    return {
      family: "dinov2",
      ...{ dVit, layers, heads },
      image: [dinov2Side, dinov2Side],
      patch: [dinov2PatchSize, dinov2PatchSize],
      nPatches: side * side,
      clsToken: true,
      runs: familyNames.includes("dinov2"),
    };
  }
  if (reference.kind !== "tag") return undefined;
  const architecture = openClipTable().architectures[reference.architecture]!;
  const { tower } = architecture;
  const side = Math.floor(tower.image_size / tower.patch_size);
  const config = JSON.stringify(openClipConfigOf(architecture, reference.entry));
  return {
    family: familyOfTag(reference.architecture),
    dVit: tower.d_vit,
    layers: tower.layers,
    heads: tower.heads,
    image: [tower.image_size, tower.image_size],
    patch: [tower.patch_size, tower.patch_size],
    nPatches: side * side,
    clsToken: tower.cls_token,
    runs: sizesOfConfig(config, reference.tag) !== undefined,
  };
}

/** From the text of a config, when it is of a model that some family reads. */
function sizesOfConfig(text: string, from: string): ModelSizes | undefined {
  try {
    const found = describeModel({ text, from });
    if (!found) return undefined;
    const { family, dVit, nLayers, heads, patchHeight, patchWidth, nPatches, clsToken, transform } = found;
    return {
      ...{ family, dVit, layers: nLayers, heads, nPatches, clsToken },
      image: [transform.height, transform.width],
      patch: [patchHeight, patchWidth],
      runs: true,
    };
  } catch (error) {
    if (error instanceof SaevError) return undefined;
    throw error;
  }
}

async function sized(file: string | undefined): Promise<KnownModel["cached"]> {
  return file === undefined ? undefined : { path: file, bytes: (await stat(await realpath(file))).size };
}

async function cachedWeights(repo: string, files: readonly string[]): Promise<KnownModel["cached"]> {
  for (const folder of hubCaches()) {
    const cache = new HubCache(folder);
    const commit = await cache.commitOf({ repo, revision: "main" });
    if (commit === undefined) continue;
    for (const file of files) {
      const found = await cache.find(repo, commit, file);
      if (found) return sized(found);
    }
  }
  return undefined;
}

/** Repositories in the caches that hold a model in open_clip's layout and have no name of their own. */
async function cachedRepositories(named: ReadonlySet<string>): Promise<KnownModel[]> {
  const found = new Map<string, KnownModel>();
  for (const folder of hubCaches()) {
    const cache = new HubCache(folder);
    for (const entry of (await readdir(folder).catch(() => [])).sort()) {
      // The hub forbids "--" in names, so this is the one way back.
      const repo = /^models--(.+)$/.exec(entry)?.[1]?.replaceAll("--", "/");
      if (repo === undefined || named.has(repo) || found.has(repo)) continue;
      const commit = await cache.commitOf({ repo, revision: "main" });
      const config = commit && (await cache.find(repo, commit, layouts.openClip.config));
      const cached = config && (await cachedWeights(repo, layouts.openClip.weights));
      if (!cached) continue;
      const sizes = sizesOfConfig(await readFile(config, "utf8"), config);
      found.set(repo, { name: `hf-hub:${repo}`, sizes, source: repo, cached });
    }
  }
  return [...found.values()];
}
