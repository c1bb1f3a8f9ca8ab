import { existsSync, statSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { nearestName } from "@saev/config";
import { SaevError } from "../errors.js";
import { isInnerPath } from "./cache.js";
import { type Dinov2Model, dinov2Models } from "./dinov2-models.js";
import { cleanTag, openClipTable, type PretrainedTag } from "./open-clip-table.js";

/** What a `vit_ckpt` names. */
export type ModelReference =
  /** A pretrained tag of open_clip: "ViT-B-16/openai". */
  | {
      readonly kind: "tag";
      readonly architecture: string;
      readonly tag: string;
      readonly entry: PretrainedTag;
    }
  /** A repository of the hub: "hf-hub:org/name", "hf:org/name@revision". */
  | { readonly kind: "hub"; readonly repo: string; readonly revision: string }
  /** A model of torch.hub's dinov2: "dinov2_vitb14_reg". */
  | { readonly kind: "dinov2"; readonly name: string; readonly model: Dinov2Model }
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "file"; readonly path: string };

/** The forms that a `vit_ckpt` may have, for messages. */
const forms =
  'a pretrained tag ("ViT-B-16/openai"), a repository ("hf-hub:org/name", "hf:org/name@revision"), a DINOv2 ("dinov2_vitb14_reg"), or the path of a folder or a file';

/**
 * Reads a `vit_ckpt`. Names of models come before paths: write `./ViT-B-16/openai` for a folder that is called so.
 * @throws SaevError `NOT_FOUND` for names and paths of nothing, with the nearest known ones; `UNSUPPORTED` for models of
 *   open_clip that are no ViTs; `INVALID_ARGUMENT` for malformed ones.
 */
export function parseModelReference(ckpt: string): ModelReference {
  const text = ckpt.trim();
  const prefix = /^(hf-hub|hf|local-dir):/.exec(text)?.[1];
  if (prefix === "local-dir") return onDisk(text.slice("local-dir:".length), ckpt);
  if (prefix) return repository(text.slice(prefix.length + 1), ckpt);
  if (/^(\.{1,2}(\/|$)|\/|~)/.test(text)) return onDisk(text, ckpt);
  if (Object.hasOwn(dinov2Models, text)) return { kind: "dinov2", name: text, model: dinov2Models[text]! };
  const tag = pretrained(text);
  if (tag) return tag;
  if (existsSync(text)) return onDisk(text, ckpt);
  throw unknown(text, ckpt);
}

function onDisk(text: string, ckpt: string): ModelReference {
  const file = path.resolve(text.startsWith("~") ? path.join(homedir(), text.slice(1)) : text);
  const found = text === "" ? undefined : statSync(file, { throwIfNoEntry: false });
  if (found?.isDirectory()) return { kind: "folder", path: file };
  if (found?.isFile()) return { kind: "file", path: file };
  throw new SaevError("NOT_FOUND", `vit_ckpt "${ckpt}": there is no such file or folder`);
}

function repository(text: string, ckpt: string): ModelReference {
  const [, repo = "", revision = "main"] = /^([^@]*)(?:@(.*))?$/.exec(text) ?? [];
  const wrong = (why: string) => new SaevError("INVALID_ARGUMENT", `vit_ckpt "${ckpt}": ${why}`);
  // The hub's own rules; a repository's folder in the cache is named after it, so nothing else may get through.
  if (!/^[\w.-]+(\/[\w.-]+)?$/.test(repo) || /--|\.\./.test(repo) || !isInnerPath(repo)) {
    throw wrong("expected a repository such as hf-hub:org/name");
  }
  if (!isInnerPath(revision) || !/^[\w./+-]+$/.test(revision)) {
    throw wrong(`expected a branch, a tag or a commit after "@"`);
  }
  return { kind: "hub", repo, revision };
}

/** "architecture/tag", open_clip's way of writing tags included: capitals and dashes do not count. */
function pretrained(text: string): ModelReference | undefined {
  const slash = text.lastIndexOf("/");
  if (slash < 0) return undefined;
  const { pretrained: tags } = openClipTable();
  // open_clip writes ViT-B/32 for ViT-B-32 here and there.
  const architecture = text.slice(0, slash).replaceAll("/", "-");
  const tag = cleanTag(text.slice(slash + 1));
  const of = Object.hasOwn(tags, architecture) ? tags[architecture]! : {};
  const entry = Object.hasOwn(of, tag) ? of[tag] : undefined;
  return entry && { kind: "tag", architecture, tag, entry };
}

function unknown(text: string, ckpt: string): SaevError {
  const { architectures, pretrained: tags, notVits } = openClipTable();
  const cut = text.lastIndexOf("/");
  const architecture = (cut < 0 ? text : text.slice(0, cut)).replaceAll("/", "-");
  const at = `vit_ckpt "${ckpt}"`;
  if (notVits.includes(architecture)) {
    return new SaevError(
      "UNSUPPORTED",
      `${at}: ${architecture} is no plain vision transformer; only those can be recorded`,
    );
  }
  if (Object.hasOwn(tags, architecture)) {
    const known = Object.keys(tags[architecture]!);
    const near = cut < 0 ? undefined : nearestName(cleanTag(text.slice(cut + 1)), known);
    const hint = near ? `did you mean ${architecture}/${near}? ` : "";
    return new SaevError("NOT_FOUND", `${at}: ${hint}${architecture} has the tags ${known.join(", ")}`);
  }
  if (Object.hasOwn(architectures, architecture)) {
    return new SaevError("NOT_FOUND", `${at}: open_clip has no pretrained weights for ${architecture}`);
  }
  const names = [
    ...Object.entries(tags).flatMap(([name, of]) => Object.keys(of).map((tag) => `${name}/${tag}`)),
    ...Object.keys(dinov2Models),
  ];
  const near = nearestName(text, names) ?? nearestName(architecture, Object.keys(tags));
  const hint = near ? `; did you mean ${near}?` : "; saev models lists the names";
  return new SaevError("NOT_FOUND", `${at} names nothing here: expected ${forms}${hint}`);
}
