import { open, readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { SaevError } from "../errors.js";
import { indexedShards, isIndex, type Layout, layoutFiles, layoutsOf, layoutText } from "./layouts.js";
import { familyOfTag, openClipConfigOf, openClipTable } from "./open-clip-table.js";
import type { ModelReference } from "./references.js";
import type { ResolvedModel } from "./resolved-model.js";

const fileIn =
  (folder: string) =>
  async (name: string): Promise<string | undefined> => {
    const there = path.join(folder, name);
    return (await stat(there).catch(() => undefined))?.isFile() ? there : undefined;
  };

/**
 * A model in a folder of the user's: in one of the layouts, or the only weights there, whatever their name.
 * @throws SaevError `NOT_FOUND` when there is none, or no config that its family needs.
 */
export async function inFolder(
  reference: ModelReference & { readonly kind: "folder" },
  among: readonly Layout[],
  family: string | undefined,
  ckpt: string,
): Promise<ResolvedModel> {
  const folder = reference.path;
  for (const layout of among) {
    const found = await layoutFiles(layout, fileIn(folder));
    if (found) return { reference, folder, commit: undefined, ...found };
  }
  const only = await onlyWeights(folder);
  if (only) return withConfig(reference, only, family);
  throw new SaevError("NOT_FOUND", `vit_ckpt "${ckpt}": expected ${layoutText(among)} in this folder`);
}

/** A weights file by itself, or an index of several: its config, if its family has one, lies beside it. */
export async function besideFile(
  reference: ModelReference & { readonly kind: "file" },
  family: string | undefined,
): Promise<ResolvedModel> {
  const file = reference.path;
  if (!isIndex(file)) return withConfig(reference, [file], family);
  const shards = await indexedShards(file, fileIn(path.dirname(file)));
  if (shards) return withConfig(reference, shards, family);
  throw new SaevError("NOT_FOUND", `${file}: it names files that are not beside it; download the rest`);
}

/** The one file of weights in a folder, or the shards of one model; undefined for none and for several. */
async function onlyWeights(folder: string): Promise<string[] | undefined> {
  const names = (await readdir(folder)).filter((name) => /\.(safetensors|bin|pth|pt)$/.test(name)).sort();
  const series = names.map((name) => /^(.*)-\d+-of-(\d+)(\.\w+)$/.exec(name)?.slice(1));
  const isOne = names.length === 1 && series[0] === undefined;
  const isSeries =
    series[0] !== undefined &&
    names.length === Number(series[0][1]) &&
    series.every((part) => part?.join() === series[0]!.join());
  return isOne || isSeries ? names.map((name) => path.join(folder, name)) : undefined;
}

/** Weights with the config that lies beside them, that was published with them, or that they show themselves. */
async function withConfig(
  reference: ModelReference,
  weights: readonly string[],
  family: string | undefined,
): Promise<ResolvedModel> {
  const first = weights[0]!;
  const folder = path.dirname(first);
  for (const file of weights) if (await isTorchScript(file)) throw torchScript(file);
  const files = { reference, folder, weights, commit: undefined };
  for (const { config } of layoutsOf(family)) {
    if (config === undefined) return { ...files, config: undefined };
    const from = path.join(folder, config);
    const text = await readFile(from, "utf8").catch(() => undefined);
    if (text !== undefined) return { ...files, config: { text, from } };
  }
  const published = publishedAs(path.basename(first));
  if (published && (family === undefined || family === familyOfTag(published.architecture))) {
    const { architecture, tag } = published;
    const config = openClipConfigOf(openClipTable().architectures[architecture]!, tag);
    return { ...files, config: { text: JSON.stringify(config), from: first } };
  }
  const { configOfWeights } = await import("../vit/config-of-weights.js");
  const shown = await configOfWeights(family, weights);
  if (shown !== undefined) return { ...files, config: { text: shown, from: first } };
  const names = [...new Set(layoutsOf(family).map(({ config }) => config))];
  throw new SaevError("NOT_FOUND", `${first}: expected ${names.join(" or ")} beside it, found none`);
}

/** The pretrained tag whose weights were published under this file's name. */
function publishedAs(name: string) {
  // Plain names before those with "-quickgelu", which repeat their tags.
  const all = Object.entries(openClipTable().pretrained).sort(([a], [b]) => a.length - b.length);
  for (const [architecture, tags] of all) {
    for (const [id, tag] of Object.entries(tags)) {
      if (tag.url !== undefined && path.posix.basename(tag.url) === name) return { architecture, id, tag };
    }
  }
  return undefined;
}

/** Whether a file is a TorchScript archive: a zip with code, whose list of members stands at its end. */
async function isTorchScript(file: string): Promise<boolean> {
  const handle = await open(file, "r");
  try {
    const { size } = await handle.stat();
    const tail = Buffer.alloc(Math.min(size, 1 << 18));
    await handle.read(tail, 0, tail.length, size - tail.length);
    return tail.includes("PK\x05\x06") && tail.includes("/constants.pkl");
  } finally {
    await handle.close();
  }
}

function torchScript(file: string): SaevError {
  const published = publishedAs(path.basename(file));
  const instead = published
    ? `use vit_ckpt ${published.architecture}/${published.id}, the same weights`
    : "save the model's state_dict, as safetensors or with torch.save";
  return new SaevError(
    "UNSUPPORTED",
    `${file}: this is a TorchScript archive, a program with its weights, which saev does not run; ${instead}`,
  );
}
