import { open, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { SaevError } from "../errors.js";
import { HubCache, isInnerPath, type RepoRevision } from "./cache.js";
import type { DownloadOptions, DownloadProgress } from "./download.js";
import { hubCaches, isOffline } from "./environment.js";
import { Http, type HttpOptions } from "./http.js";
import { type Layout, layouts, layoutsOf } from "./layouts.js";
import { openClipConfigOf, openClipTable } from "./open-clip-table.js";
import { HttpProblem, shownName } from "./problems.js";
import { type ModelReference, parseModelReference } from "./references.js";
import { cachedFile, remoteSnapshot, repoFile } from "./repository.js";
import { cachedTorchHubFile, torchHubDownload } from "./torch-hub.js";

/** A model whose files are all here. */
export interface ResolvedModel {
  /** The reference it came from. */
  readonly reference: ModelReference;
  /** The folder that holds the files: as given, or a snapshot in the cache. */
  readonly folder: string;
  /** The config, where the layout has one: its text, and what names it in messages. */
  readonly config: { readonly text: string; readonly from: string } | undefined;
  /** The weights: one file, or the shards of one model in order. */
  readonly weights: readonly string[];
  /** The commit, of a repository. */
  readonly commit: string | undefined;
}

export interface ResolveOptions extends DownloadOptions {
  /** Use only what is here; default: `HF_HUB_OFFLINE`. */
  readonly offline?: boolean | undefined;
  /** Whether servers must show a valid certificate; default true. */
  readonly ssl?: boolean | undefined;
  /** @internal Pauses and time-outs, for tests. */
  readonly http?: HttpOptions | undefined;
}

export type { DownloadProgress };

/**
 * Finds the files of a model, downloading what is missing: see docs/models.md for the forms of `ckpt`.
 * @param family "clip", "siglip" or "dinov2": which layouts of files serve; undefined takes any.
 * @throws SaevError `NOT_FOUND` for names of nothing (with the nearest), and offline for models that are not here;
 *   `UNSUPPORTED` for models that this family does not have; `IO` and `BAD_FILE` as {@link download} says.
 */
export async function resolveModel(
  family: string | undefined,
  ckpt: string,
  options: ResolveOptions = {},
): Promise<ResolvedModel> {
  options.signal?.throwIfAborted();
  const reference = parseModelReference(ckpt);
  checkFamily(family, reference, ckpt);
  switch (reference.kind) {
    case "folder":
      return inFolder(reference, reference.path, layoutsOf(family), ckpt);
    case "file":
      return besideFile(reference, family);
    case "hub":
      return online(options, (http) =>
        inRepository(http, reference, reference, layoutsOf(family), ckpt, options),
      );
    case "tag": {
      const { repo, file } = reference.entry;
      const layout: Layout = file ? { weights: [file] } : { ...layouts.openClip, config: undefined };
      const model = await online(options, (http) =>
        inRepository(http, reference, { repo, revision: "main" }, [layout], ckpt, options),
      );
      const config = openClipConfigOf(
        openClipTable().architectures[reference.architecture]!,
        reference.entry,
      );
      return { ...model, config: { text: JSON.stringify(config), from: ckpt } };
    }
    case "dinov2": {
      const url = new URL(reference.model.url);
      const weights =
        (await cachedTorchHubFile(url)) ??
        (await online(options, (http) => {
          if (!http) throw notHere(ckpt, "torch.hub's cache (TORCH_HOME)");
          return torchHubDownload(http, url, options);
        }));
      return {
        reference,
        folder: path.dirname(weights),
        config: undefined,
        weights: [weights],
        commit: undefined,
      };
    }
  }
}

function checkFamily(family: string | undefined, reference: ModelReference, ckpt: string): void {
  const wrong = (needed: string) =>
    new SaevError(
      "INVALID_ARGUMENT",
      `vit_ckpt "${ckpt}" is a model of the ${needed} family, not of ${family}; use vit_family ${needed}`,
    );
  if (family === undefined) return;
  if (reference.kind === "dinov2" && family !== "dinov2") throw wrong("dinov2");
  if (reference.kind !== "tag") return;
  const needed = familyOfTag(reference.architecture);
  if (needed !== family) throw wrong(needed);
}

/** "siglip" for towers of timm's SigLIP, "clip" for all else of open_clip. */
export function familyOfTag(architecture: string): string {
  return /siglip/.test(openClipTable().architectures[architecture]!.tower.timm ?? "") ? "siglip" : "clip";
}

/** Runs `work` with a client, or without one when there is to be no network. */
async function online<T>(options: ResolveOptions, work: (http: Http | undefined) => Promise<T>): Promise<T> {
  if (options.offline ?? isOffline()) return work(undefined);
  const http = new Http({ ...options.http, ssl: options.ssl });
  if (options.ssl === false)
    options.onNote?.(
      "ssl = false: certificates of servers are not checked; anybody on the way can change what is downloaded",
    );
  try {
    return await work(http);
  } finally {
    await http.close();
  }
}

async function inFolder(
  reference: ModelReference,
  folder: string,
  among: readonly Layout[],
  ckpt: string,
): Promise<ResolvedModel> {
  for (const layout of among) {
    const found = await complete(layout, async (file) => {
      const there = path.join(folder, file);
      return (await stat(there).catch(() => undefined))?.isFile() ? there : undefined;
    });
    if (found) return { reference, folder, commit: undefined, ...found };
  }
  throw new SaevError("NOT_FOUND", `vit_ckpt "${ckpt}": expected ${wanted(among)} in this folder`);
}

/** A weights file by itself: its config, if its family has one, lies beside it. */
async function besideFile(
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

async function inRepository(
  http: Http | undefined,
  reference: ModelReference,
  at: RepoRevision,
  among: readonly Layout[],
  ckpt: string,
  options: DownloadOptions,
): Promise<ResolvedModel> {
  if (!http) {
    const cached = await fromCaches(reference, at, among);
    if (cached) return cached;
    throw notHere(ckpt, `the hub's caches (${hubCaches().join(", ")})`);
  }
  const { repo, revision } = at;
  let remote: Awaited<ReturnType<typeof remoteSnapshot>>;
  try {
    remote = await remoteSnapshot(http, at, options.signal);
  } catch (error) {
    options.signal?.throwIfAborted();
    // A server that cannot be reached is no reason to stop when everything is here; one that says no, is.
    const unreachable = error instanceof HttpProblem && (error.status === undefined || error.transient);
    const cached = unreachable ? await fromCaches(reference, at, among) : undefined;
    if (!cached) throw error;
    options.onNote?.(`${(error as Error).message}; using the cached copy of ${repo}`);
    return cached;
  }
  const { commit, files } = remote;
  const layout = among.find(
    ({ config, weights }) =>
      (config === undefined || files.includes(config)) && weights.some((name) => files.includes(name)),
  );
  if (!layout) {
    const some = shownName(files.slice(0, 12).join(", ") + (files.length > 12 ? ", …" : ""));
    throw new SaevError(
      "NOT_FOUND",
      `vit_ckpt "${ckpt}": expected ${wanted(among)} in ${repo}; it holds ${some || "nothing"}`,
    );
  }
  const found = await complete(layout, async (file) =>
    files.includes(file) ? repoFile(http, repo, commit, file, options) : undefined,
  );
  if (!found)
    throw new SaevError(
      "NOT_FOUND",
      `${repo}: an index of weights names files that the repository does not hold`,
    );
  // Only now: offline, the branch then means a commit of which everything is here.
  const cache =
    hubCaches().find((folder) => found.weights[0]!.startsWith(folder + path.sep)) ?? hubCaches()[0];
  await new HubCache(cache).setRef({ repo, revision }, commit).catch((error) => {
    // A cache that others keep may be closed to us, and still serve.
    options.onNote?.((error as Error).message);
  });
  return { reference, folder: path.dirname(found.weights[0]!), commit, ...found };
}

async function fromCaches(
  reference: ModelReference,
  at: RepoRevision,
  among: readonly Layout[],
): Promise<ResolvedModel | undefined> {
  for (const folder of hubCaches()) {
    const commit = await new HubCache(folder).commitOf(at);
    if (commit === undefined) continue;
    for (const layout of among) {
      const found = await complete(layout, (file) => cachedFile(at.repo, commit, file));
      if (found) return { reference, folder: path.dirname(found.weights[0]!), commit, ...found };
    }
  }
  return undefined;
}

/** The files of a layout through `get`, which gives a path or undefined for what is not there. */
async function complete(
  layout: Layout,
  get: (file: string) => Promise<string | undefined>,
): Promise<Pick<ResolvedModel, "config" | "weights"> | undefined> {
  const configPath = layout.config === undefined ? undefined : await get(layout.config);
  if (layout.config !== undefined && configPath === undefined) return undefined;
  for (const file of layout.weights) {
    const found = await get(file);
    if (found === undefined) continue;
    const weights = file.endsWith(".index.json") ? await shards(found, get) : [found];
    if (!weights) return undefined;
    for (const extra of layout.extra ?? []) await get(extra);
    return {
      weights,
      config:
        configPath === undefined ? undefined : { text: await readFile(configPath, "utf8"), from: configPath },
    };
  }
  return undefined;
}

/** The files that an index names (`weight_map`: tensor → file). Undefined when one is not there. */
async function shards(
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

const wanted = (among: readonly Layout[]): string =>
  among
    .map(({ config, weights }) => `${config ? `${config} and ` : ""}${weights.join(" or ")}`)
    .join(", or ");

function notHere(ckpt: string, where: string): SaevError {
  return new SaevError(
    "NOT_FOUND",
    `vit_ckpt "${ckpt}" is not in ${where}, and the network is off (HF_HUB_OFFLINE); fetch it once with: saev download ${ckpt}`,
  );
}
