import path from "node:path";
import { SaevError } from "../errors.js";
import { HubCache, type RepoRevision } from "./cache.js";
import type { DownloadOptions, DownloadProgress } from "./download.js";
import { hubCaches } from "./environment.js";
import type { Http } from "./http.js";
import { type Layout, layoutFiles, layouts, layoutsOf, layoutText, weightNames } from "./layouts.js";
import { besideFile, inFolder } from "./local-model.js";
import { type OnlineOptions, online } from "./online.js";
import { familyOfTag, openClipConfigOf, openClipTable } from "./open-clip-table.js";
import { isUnreachable, shownName } from "./problems.js";
import { type ModelReference, parseModelReference } from "./references.js";
import { cachedFile, remoteSnapshot, repoFile } from "./repository.js";
import type { ResolvedModel } from "./resolved-model.js";
import { cachedTorchHubFile, torchHubDownload } from "./torch-hub.js";

export interface ResolveOptions extends DownloadOptions, OnlineOptions {}

export type { DownloadProgress, ResolvedModel };

/**
 * Finds the files of a model, downloading what is missing: see docs/models.md for the forms of `ckpt`.
 * @param family "clip", "siglip" or "dinov2": which layouts of files serve; undefined takes any.
 * @throws SaevError `NOT_FOUND` for names of nothing (with the nearest), and offline for models that are not here;
 *   `UNSUPPORTED` for models that this family does not have; `IO` and `BAD_FILE` as {@link download} says.
 */
export function resolveModel(
  family: string | undefined,
  ckpt: string,
  options: ResolveOptions = {},
): Promise<ResolvedModel> {
  return resolve(family, ckpt, options, "all");
}

/**
 * The same, without the weights where they are not here: of a repository only the config is fetched, for a tag nothing.
 * @returns `weights` is empty where they were not looked for.
 * @throws SaevError as {@link resolveModel}.
 */
export function resolveConfig(
  family: string | undefined,
  ckpt: string,
  options: ResolveOptions = {},
): Promise<ResolvedModel> {
  return resolve(family, ckpt, options, "config");
}

async function resolve(
  family: string | undefined,
  ckpt: string,
  options: ResolveOptions,
  part: "all" | "config",
): Promise<ResolvedModel> {
  options.signal?.throwIfAborted();
  const reference = parseModelReference(ckpt);
  checkFamily(family, reference, ckpt);
  switch (reference.kind) {
    case "folder":
      return inFolder(reference, layoutsOf(family), family, ckpt);
    case "file":
      return besideFile(reference, family);
    case "hub":
      return online(options, (http) =>
        inRepository(http, reference, reference, layoutsOf(family), ckpt, options, part),
      );
    case "tag": {
      const { repo, file } = reference.entry;
      const layout: Layout = file ? { weights: [file] } : { ...layouts.openClip, config: undefined };
      const model =
        part === "config"
          ? { reference, folder: repo, weights: [], commit: undefined }
          : await online(options, (http) =>
              inRepository(http, reference, { repo, revision: "main" }, [layout], ckpt, options, part),
            );
      const config = openClipConfigOf(
        openClipTable().architectures[reference.architecture]!,
        reference.entry,
      );
      return { ...model, config: { text: JSON.stringify(config), from: ckpt } };
    }
    case "dinov2": {
      const url = new URL(reference.model.url);
      if (part === "config")
        return { reference, folder: ckpt, config: undefined, weights: [], commit: undefined };
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

async function inRepository(
  http: Http | undefined,
  reference: ModelReference,
  at: RepoRevision,
  among: readonly Layout[],
  ckpt: string,
  options: DownloadOptions,
  part: "all" | "config",
): Promise<ResolvedModel> {
  if (!http) {
    const cached = await fromCaches(reference, at, among, part);
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
    const cached = isUnreachable(error) ? await fromCaches(reference, at, among, part) : undefined;
    if (!cached) throw error;
    options.onNote?.(`${(error as Error).message}; using the cached copy of ${repo}`);
    return cached;
  }
  const { commit, files } = remote;
  const layout = among.find(
    (one) =>
      (one.config === undefined || files.includes(one.config)) &&
      weightNames(one).some((name) => files.includes(name)),
  );
  if (!layout) {
    const some = shownName(files.slice(0, 12).join(", ") + (files.length > 12 ? ", …" : ""));
    throw new SaevError(
      "NOT_FOUND",
      `vit_ckpt "${ckpt}": expected ${layoutText(among)} in ${repo}; it holds ${some || "nothing"}`,
    );
  }
  const get = async (file: string) =>
    files.includes(file) ? repoFile(http, repo, commit, file, options) : undefined;
  const found = await layoutFiles(layout, get, part);
  if (!found)
    throw new SaevError(
      "NOT_FOUND",
      `${repo}: an index of weights names files that the repository does not hold`,
    );
  if (part === "config") return { reference, folder: repo, commit, ...found };
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
  part: "all" | "config",
): Promise<ResolvedModel | undefined> {
  for (const folder of hubCaches()) {
    const commit = await new HubCache(folder).commitOf(at);
    if (commit === undefined) continue;
    for (const layout of among) {
      const found = await layoutFiles(layout, (file) => cachedFile(at.repo, commit, file), part);
      const first = found?.weights[0] ?? found?.config?.from;
      if (found && first !== undefined) return { reference, folder: path.dirname(first), commit, ...found };
    }
  }
  return undefined;
}

function notHere(ckpt: string, where: string): SaevError {
  return new SaevError(
    "NOT_FOUND",
    `vit_ckpt "${ckpt}" is not in ${where}, and the network is off (HF_HUB_OFFLINE); fetch it once with: saev download ${ckpt}`,
  );
}
