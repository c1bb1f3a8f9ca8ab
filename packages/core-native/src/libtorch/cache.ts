import { homedir } from "node:os";
import path from "node:path";
import { type Flavour, flavours } from "./flavours.js";

/** Where saev keeps what it fetched: `SAEV_CACHE`, else `XDG_CACHE_HOME/saev`, else `~/.cache/saev`. */
export function cacheFolder(): string {
  const { SAEV_CACHE, XDG_CACHE_HOME } = process.env;
  if (SAEV_CACHE) return path.resolve(SAEV_CACHE);
  return path.join(XDG_CACHE_HOME || path.join(homedir(), ".cache"), "saev");
}

/** The site folder of a flavour's libtorch in the cache: `torch/` lies in it, beside `nvidia/` for CUDA. */
export function cachedSite(flavour: Flavour, cache = cacheFolder()): string {
  return path.join(cache, "libtorch", `${flavour}-${flavours[flavour].torch}`);
}
