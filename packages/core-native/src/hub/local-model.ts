import { open, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { SaevError } from "../errors.js";
import { type Layout, layoutFiles, layoutsOf, layoutText } from "./layouts.js";
import { familyOfTag, openClipConfigOf, openClipTable } from "./open-clip-table.js";
import type { ModelReference } from "./references.js";
import type { ResolvedModel } from "./resolved-model.js";

/** A model in a folder of the user's. @throws SaevError `NOT_FOUND` when none of the layouts is whole there. */
export async function inFolder(
  reference: ModelReference,
  folder: string,
  among: readonly Layout[],
  ckpt: string,
): Promise<ResolvedModel> {
  for (const layout of among) {
    const found = await layoutFiles(layout, async (file) => {
      const there = path.join(folder, file);
      return (await stat(there).catch(() => undefined))?.isFile() ? there : undefined;
    });
    if (found) return { reference, folder, commit: undefined, ...found };
  }
  throw new SaevError("NOT_FOUND", `vit_ckpt "${ckpt}": expected ${layoutText(among)} in this folder`);
}

/** A weights file by itself: its config, if its family has one, lies beside it. */
export async function besideFile(
  reference: ModelReference & { readonly kind: "file" },
  family: string | undefined,
): Promise<ResolvedModel> {
  const folder = path.dirname(reference.path);
  if (await isTorchScript(reference.path)) throw torchScript(reference.path);
  const files = { reference, folder, weights: [reference.path], commit: undefined };
  for (const { config } of layoutsOf(family)) {
    if (config === undefined) return { ...files, config: undefined };
    const from = path.join(folder, config);
    const text = await readFile(from, "utf8").catch(() => undefined);
    if (text !== undefined) return { ...files, config: { text, from } };
  }
  const published = publishedAs(path.basename(reference.path));
  if (published && (family === undefined || family === familyOfTag(published.architecture))) {
    const { architecture, tag } = published;
    const config = openClipConfigOf(openClipTable().architectures[architecture]!, tag);
    return { ...files, config: { text: JSON.stringify(config), from: reference.path } };
  }
  const names = layoutsOf(family).map(({ config }) => config);
  throw new SaevError("NOT_FOUND", `${reference.path}: expected ${names.join(" or ")} beside it, found none`);
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
