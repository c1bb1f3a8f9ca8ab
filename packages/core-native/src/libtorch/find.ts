import path from "node:path";
import { cachedSite, cacheFolder } from "./cache.js";
import { describeLibtorch, type Libtorch, misfit } from "./describe.js";
import type { Flavour } from "./flavours.js";
import { pythons, pythonTorch } from "./python.js";

export interface FoundLibtorch extends Libtorch {
  /** Where it was found: named by hand, in a Python environment, or fetched by us. */
  readonly source: "explicit" | "python" | "cache";
  /** The same in words, e.g. "SAEV_LIBTORCH" or "torch of /usr/bin/python3". */
  readonly from: string;
}

export interface FindOptions {
  /** A folder named by hand; default: `SAEV_LIBTORCH`. When given, nothing else is tried. */
  readonly explicit?: string | undefined;
  /** Default: {@link cacheFolder}. */
  readonly cache?: string | undefined;
  /** Minor releases that serve, e.g. ["2.13"]; default: those that the sources build with. */
  readonly minors?: readonly string[] | undefined;
  /** Look into the cache before asking Python, which costs a process. Default false. */
  readonly cacheFirst?: boolean;
}

export interface Search {
  readonly found?: FoundLibtorch;
  /** One line for each place that was tried and does not serve. */
  readonly tried: readonly string[];
}

/** Looks for a libtorch that serves `flavour`: the explicit path, an installed Python torch, our cache. */
export function findLibtorch(flavour: Flavour, options: FindOptions = {}): Search {
  const tried: string[] = [];
  const explicit = options.explicit ?? process.env.SAEV_LIBTORCH;
  const consider = (folder: string, source: FoundLibtorch["source"], from: string) => {
    const torch = describeLibtorch(folder);
    const problem = torch ? misfit(torch, flavour, options.minors) : "it holds no libtorch";
    if (torch && !problem) return { ...torch, source, from };
    tried.push(`${from}: ${folder}: ${problem}`);
    return undefined;
  };

  if (explicit) {
    const from = options.explicit ? "the given path" : "SAEV_LIBTORCH";
    const found = consider(path.resolve(explicit), "explicit", from);
    return found ? { found, tried } : { tried };
  }
  const inPython = () => {
    for (const python of pythons()) {
      const folder = pythonTorch(python);
      if (!folder) tried.push(`${python}: it has no torch package`);
      const found = folder && consider(folder, "python", `torch of ${python}`);
      if (found) return found;
    }
    return undefined;
  };
  const inCache = () =>
    consider(path.join(cachedSite(flavour, options.cache ?? cacheFolder()), "torch"), "cache", "the cache");
  const found = options.cacheFirst ? (inCache() ?? inPython()) : (inPython() ?? inCache());
  return found ? { found, tried } : { tried };
}
