import { SaevError } from "../errors.js";
import { describeModel } from "../vit/describe.js";
import { familyNames, recognise } from "../vit/families.js";
import { JsonReader } from "../vit/json-reader.js";
import { cachedModel, cachedRepos, sizeOnDisk } from "./cached-models.js";
import { dinov2Models, dinov2PatchSize } from "./dinov2-models.js";
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
  /** Where they lie on this machine, if they all do (the first of several files), and how large they are together. */
  readonly cached: { readonly path: string; readonly bytes: number } | undefined;
}

/** DINOv2 takes any size; the Python package gives it 224 pixels. */
const dinov2Side = 224;

/**
 * The models that saev knows by name: every ViT among open_clip's pretrained tags, DINOv2, and repositories in the hub's
 * caches with a model of a family, or one of open_clip's. Asks no server.
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
      cached: await cachedModel(repo, { weights: file ? [file] : layouts.openClip.weights }),
    };
  });
  const dinov2 = Object.entries(dinov2Models).map(async ([name, model]) => {
    const url = new URL(model.url);
    const file = await cachedTorchHubFile(url);
    return {
      name,
      sizes: sizesOf({ kind: "dinov2", name, model }),
      source: model.url,
      cached: file === undefined ? undefined : await sizeOnDisk([file]),
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

/** Repositories in the caches with a model that some family reads, or in open_clip's layout, without a name of their own. */
async function cachedRepositories(named: ReadonlySet<string>): Promise<KnownModel[]> {
  const found: KnownModel[] = [];
  for (const repo of await cachedRepos()) {
    if (named.has(repo)) continue;
    for (const layout of Object.values(layouts)) {
      const model = await cachedModel(repo, layout);
      if (!model?.config) continue;
      const { text, from } = model.config;
      // A cache holds the models of other tools as well: language models have a config.json and weights of these names.
      if (layout !== layouts.openClip && !isOfFamily(text, from)) continue;
      const { path, bytes } = model;
      found.push({
        name: `hf-hub:${repo}`,
        sizes: sizesOfConfig(text, from),
        source: repo,
        cached: { path, bytes },
      });
      break;
    }
  }
  return found;
}

function isOfFamily(text: string, from: string): boolean {
  try {
    return recognise(JsonReader.parse(text, from)) !== undefined;
  } catch (error) {
    if (error instanceof SaevError) return false;
    throw error;
  }
}
