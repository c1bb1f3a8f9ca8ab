import { readFile } from "node:fs/promises";
import { SaevError } from "../errors.js";
import { isInnerPath } from "./cache.js";
import { shownName } from "./problems.js";
import type { ResolvedModel } from "./resolved-model.js";

/** Beside `open_clip_config.json`: describes a trunk that differs from what timm's releases have under its name. */
export const timmTrunkFile = "timm_trunk.json";

/** Beside a config of transformers: says what is done to a picture. */
export const imageProcessorFile = "preprocessor_config.json";

/** Files of a model that belong together, in a folder or a repository. */
export interface Layout {
  /** The config's name; absent where the weights say everything. */
  readonly config?: string | undefined;
  /** Names of the weights, the first that is there is taken: each as one file, or as shards with an index. */
  readonly weights: readonly string[];
  /** Fetched along with the config when they are there. */
  readonly extra?: readonly string[];
}

export const layouts = {
  /** As open_clip pushes models to the hub. */
  openClip: {
    config: "open_clip_config.json",
    weights: ["open_clip_model.safetensors", "open_clip_pytorch_model.bin"],
    extra: [timmTrunkFile],
  },
  /** A state_dict of dinov2's own code beside the arguments of its constructor. */
  dinov2: { config: "config.json", weights: ["model.pth"] },
  /** As Hugging Face transformers and timm do. */
  transformers: {
    config: "config.json",
    weights: ["model.safetensors", "pytorch_model.bin"],
    extra: [imageProcessorFile],
  },
} as const satisfies Readonly<Record<string, Layout>>;

/** Layouts that each family reads. */
const ofFamily: Readonly<Record<string, readonly Layout[]>> = {
  clip: [layouts.openClip],
  siglip: [layouts.openClip],
  dinov2: [layouts.dinov2, layouts.transformers],
  dinov3: [layouts.transformers],
  vit: [layouts.openClip, layouts.transformers],
  eva: [layouts.openClip, layouts.transformers],
  pe: [layouts.openClip, layouts.transformers],
};

/** Layouts that a family reads; all of them for no family in particular. */
export function layoutsOf(family: string | undefined): readonly Layout[] {
  return (
    (family !== undefined && ofFamily[family]) || [layouts.openClip, layouts.dinov2, layouts.transformers]
  );
}

/** Names under which a layout's weights may be found, the first one counts. */
export const weightNames = ({ weights }: Layout): readonly string[] =>
  weights.flatMap((name) => [name, `${name}.index.json`]);

/**
 * The files of a layout through `get`, which gives a path or undefined for what is not there.
 * @param part "config" asks for the config alone: then there are no weights in what it gives.
 */
export async function layoutFiles(
  layout: Layout,
  get: (file: string) => Promise<string | undefined>,
  part: "all" | "config" = "all",
): Promise<Pick<ResolvedModel, "config" | "weights"> | undefined> {
  const configPath = layout.config === undefined ? undefined : await get(layout.config);
  if (layout.config !== undefined && configPath === undefined) return undefined;
  const config =
    configPath === undefined ? undefined : { text: await readFile(configPath, "utf8"), from: configPath };
  for (const extra of layout.extra ?? []) await get(extra);
  if (part === "config") return config && { config, weights: [] };
  for (const file of weightNames(layout)) {
    const found = await get(file);
    if (found === undefined) continue;
    const weights = isIndex(file) ? await indexedShards(found, get) : [found];
    if (!weights) return undefined;
    return { weights, config };
  }
  return undefined;
}

export const isIndex = (file: string): boolean => file.endsWith(".index.json");

/** The files that an index names (`weight_map`: tensor → file). Undefined when one is not there. */
export async function indexedShards(
  index: string,
  get: (file: string) => Promise<string | undefined>,
): Promise<string[] | undefined> {
  const bad = (found: string) =>
    new SaevError("BAD_FILE", `${index}: expected weight_map with the names of files, found ${found}`);
  let names: string[];
  try {
    const { weight_map: map } = JSON.parse(await readFile(index, "utf8"));
    names = [...new Set(Object.values(map as Record<string, string>))].sort();
  } catch (error) {
    throw bad(shownName((error as Error).message));
  }
  const wrong = names.find((name) => typeof name !== "string" || !isInnerPath(name));
  if (names.length === 0 || wrong !== undefined) throw bad(shownName(JSON.stringify(wrong ?? {})));
  const found = [];
  for (const name of names) {
    const file = await get(name);
    if (file === undefined) return undefined;
    found.push(file);
  }
  return found;
}

/** Names of the files that would do, for messages. */
export const layoutText = (among: readonly Layout[]): string =>
  among
    .map(({ config, weights }) => `${config ? `${config} and ` : ""}${weights.join(" or ")}`)
    .join(", or ");
