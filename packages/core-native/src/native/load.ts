import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { SaevError } from "../errors.js";
import type { FoundLibtorch } from "../libtorch/find.js";
import { type Flavour, flavourNames, isFlavour } from "../libtorch/flavours.js";
import type { Addon } from "./addon.js";
import { type Candidate, candidatesOf, namedCandidate, packageRoot, platformPackage } from "./candidates.js";
import { hasCudaDriver } from "./driver.js";
import { preloadLibtorch } from "./preload.js";

/** The addon that this process runs on. */
export interface LoadedAddon extends Candidate {
  readonly addon: Addon;
  /** The libtorch that was loaded before it; undefined when its own run path found one. */
  readonly libtorch: FoundLibtorch | undefined;
}

let loaded: LoadedAddon | undefined;

/** The addon, loaded at the first call that needs it: importing this package alone costs no libtorch. */
export function addon(): Addon {
  return loadedAddon().addon;
}

/** The same with where it came from. @throws SaevError `ADDON_LOAD` with everything that was tried. */
export function loadedAddon(): LoadedAddon {
  loaded ??= load();
  return loaded;
}

/**
 * Flavours in the order in which they are tried. `SAEV_FLAVOUR` names the only one; else CUDA comes first where there
 * is a driver, newest toolkit first, and last where there is none: a CUDA build works there too, on the CPU.
 */
export function flavourOrder(driver: boolean = hasCudaDriver()): Flavour[] {
  const wanted = process.env.SAEV_FLAVOUR;
  if (wanted) {
    if (isFlavour(wanted)) return [wanted];
    throw new SaevError("ADDON_LOAD", `SAEV_FLAVOUR: expected ${flavourNames.join(", ")}, found "${wanted}"`);
  }
  const cuda = flavourNames.filter((flavour) => flavour !== "cpu").reverse();
  return driver ? [...cuda, "cpu"] : ["cpu", ...cuda];
}

function load(): LoadedAddon {
  const tried: string[] = [];
  const named = process.env.SAEV_ADDON;
  if (named) {
    const one = existsSync(named) ? attempt(namedCandidate(named), tried) : undefined;
    if (one) return one;
    if (tried.length === 0) tried.push(`${named}: no such file`);
    throw new SaevError("ADDON_LOAD", `the addon named in SAEV_ADDON does not load\n${indented(tried)}`);
  }
  const order = flavourOrder();
  const failed: Flavour[] = [];
  for (const flavour of order) {
    const { found, absent } = candidatesOf(flavour);
    for (const candidate of found) {
      const one = attempt(candidate, tried);
      if (!one) continue;
      if (failed.length > 0) warnOfFallback(failed, flavour, tried);
      return one;
    }
    if (found.length > 0) failed.push(flavour);
    tried.push(...absent.map((place) => `${place}: not there`));
  }
  throw new SaevError("ADDON_LOAD", `no native addon loads here\n${indented(tried)}\n${advice(tried)}`);
}

/** Loads one addon; what goes wrong is added to `tried`. */
function attempt(candidate: Candidate, tried: string[]): LoadedAddon | undefined {
  const open = (libtorch?: FoundLibtorch): LoadedAddon | undefined => {
    try {
      const native = createRequire(import.meta.url)(candidate.file) as Addon;
      return { ...candidate, addon: native, libtorch };
    } catch (error) {
      tried.push(`${candidate.file}: ${error instanceof Error ? error.message.split("\n")[0] : error}`);
      return undefined;
    }
  };
  // An addon that was built here finds the libtorch it was built with by itself; another one if somebody names it.
  const ownLibtorch = candidate.kind !== "package" && !process.env.SAEV_LIBTORCH;
  const direct = ownLibtorch ? open() : undefined;
  if (direct) return direct;
  const preloaded = preloadLibtorch(candidate);
  if ("problem" in preloaded) {
    tried.push(`${candidate.file}: ${preloaded.problem}`);
    return undefined;
  }
  return open(preloaded.torch);
}

function warnOfFallback(failed: readonly Flavour[], taken: Flavour, tried: readonly string[]): void {
  process.emitWarning(`${failed.join(" and ")} did not load, using ${taken}: ${tried.join("; ")}`, {
    code: "SAEV_FALLBACK",
  });
}

function advice(tried: readonly string[]): string {
  const wantsLibtorch = tried.some((line) => line.includes("no libtorch"));
  if (wantsLibtorch) return "to fetch libtorch: saev setup; or set SAEV_LIBTORCH to an unpacked one";
  if (existsSync(path.join(packageRoot, "CMakeLists.txt")))
    return "to build it: npx nx run core-native:build:cpu";
  return `to install it: npm install ${platformPackage("cpu")}`;
}

const indented = (lines: readonly string[]): string => lines.map((line) => `  ${line}`).join("\n");
