import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { SaevError } from "../errors.js";

type Env = Readonly<Record<string, string | undefined>>;

const expand = (folder: string): string =>
  path.resolve(folder === "~" || folder.startsWith("~/") ? path.join(homedir(), folder.slice(1)) : folder);

/** What Python's huggingface_hub takes for true in the environment. */
const isTrue = (value: string | undefined): boolean => /^(1|on|yes|true)$/i.test(value ?? "");

const huggingFaceHome = (env: Env): string =>
  env.HF_HOME
    ? expand(env.HF_HOME)
    : path.join(env.XDG_CACHE_HOME || path.join(homedir(), ".cache"), "huggingface");

/**
 * Folders that hold repositories of the hub in the standard layout, each looked in, the first one written to:
 * `HF_HUB_CACHE`, else `HUGGINGFACE_HUB_CACHE`, else `HF_HOME/hub`; without these `SAEV_CACHE/hub`; and always the folder
 * that Python's huggingface_hub would take here.
 */
export function hubCaches(env: Env = process.env): readonly [string, ...string[]] {
  const named = env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE;
  const python = named ? expand(named) : path.join(huggingFaceHome(env), "hub");
  if (named || env.HF_HOME || !env.SAEV_CACHE) return [python];
  const ours = path.join(expand(env.SAEV_CACHE), "hub");
  return ours === python ? [ours] : [ours, python];
}

/** Where torch.hub keeps weights: `TORCH_HOME/hub/checkpoints`, else the same under `XDG_CACHE_HOME/torch` or ~/.cache/torch. */
export function torchHubFolder(env: Env = process.env): string {
  const home = env.TORCH_HOME
    ? expand(env.TORCH_HOME)
    : path.join(env.XDG_CACHE_HOME || path.join(homedir(), ".cache"), "torch");
  return path.join(home, "hub", "checkpoints");
}

/** The hub's address, `HF_ENDPOINT` or the public hub. @throws SaevError `INVALID_ARGUMENT` when it is no http(s) URL. */
export function hubEndpoint(env: Env = process.env): URL {
  const text = env.HF_ENDPOINT || "https://huggingface.co";
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new SaevError(
      "INVALID_ARGUMENT",
      `HF_ENDPOINT: expected an address such as https://huggingface.co`,
    );
  }
  url.pathname = url.pathname.replace(/\/+$/, "");
  return url;
}

/** Whether the environment forbids the network: `HF_HUB_OFFLINE` or `TRANSFORMERS_OFFLINE`. */
export function isOffline(env: Env = process.env): boolean {
  return isTrue(env.HF_HUB_OFFLINE || env.TRANSFORMERS_OFFLINE);
}

/** Milliseconds without a byte before a connection counts as stalled: `HF_HUB_DOWNLOAD_TIMEOUT` (seconds), else 30 s. */
export function stallTimeout(env: Env = process.env): number {
  const seconds = Number(env.HF_HUB_DOWNLOAD_TIMEOUT);
  return seconds > 0 ? seconds * 1000 : 30_000;
}

/** A token of the hub, and where it is from. The value must never reach a message. */
export interface Token {
  readonly value: string;
  /** "HF_TOKEN", or the path of a file. */
  readonly from: string;
}

/**
 * The user's token: `HF_TOKEN`, `HUGGING_FACE_HUB_TOKEN`, else the file `HF_TOKEN_PATH` or `HF_HOME/token` that
 * `hf auth login` writes. None with `HF_HUB_DISABLE_IMPLICIT_TOKEN`.
 * @throws SaevError `INVALID_ARGUMENT` for one that cannot be sent: with a space or a line break inside.
 */
export function hubToken(env: Env = process.env): Token | undefined {
  if (isTrue(env.HF_HUB_DISABLE_IMPLICIT_TOKEN)) return undefined;
  const file = env.HF_TOKEN_PATH ? expand(env.HF_TOKEN_PATH) : path.join(huggingFaceHome(env), "token");
  const candidates: readonly (readonly [string, string | undefined])[] = [
    ["HF_TOKEN", env.HF_TOKEN],
    ["HUGGING_FACE_HUB_TOKEN", env.HUGGING_FACE_HUB_TOKEN],
    [file, textOf(file)],
  ];
  for (const [from, text] of candidates) {
    const value = text?.trim();
    if (!value) continue;
    if (!/^[\x21-\x7e]+$/.test(value)) {
      throw new SaevError("INVALID_ARGUMENT", `${from}: a token is one word of printable ASCII; this is not`);
    }
    return { value, from };
  }
  return undefined;
}

function textOf(file: string): string | undefined {
  try {
    return statSync(file).size < 10_000 ? readFileSync(file, "utf8") : undefined;
  } catch {
    return undefined;
  }
}
