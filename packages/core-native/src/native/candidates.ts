import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type Flavour, flavourNames, isFlavour } from "../libtorch/flavours.js";

/** An addon file that may be loaded. */
export interface Candidate {
  readonly file: string;
  readonly flavour: Flavour;
  /** Built here (its run path knows its libtorch), from a platform package, or named in `SAEV_ADDON`. */
  readonly kind: "build" | "package" | "named";
  /** libtorch that it was compiled with, e.g. "2.13.0". */
  readonly torch: string;
}

/** Folder of this package: holds build/ in a checkout. */
export const packageRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/** Name of the optional package that brings a flavour's binary to this platform. */
export const platformPackage = (flavour: Flavour): string =>
  `@saev/core-${process.platform}-${process.arch}-${flavour}`;

/** Where the flavour's addon would be, and whether it is there. */
export function candidatesOf(flavour: Flavour): { found: Candidate[]; absent: string[] } {
  const found: Candidate[] = [];
  const absent: string[] = [];
  const build = path.join(packageRoot, "build", flavour);
  const built = describe(build, "build");
  if (built) found.push(built);
  else absent.push(path.join(build, "saev.node"));
  const name = platformPackage(flavour);
  const folder = packageFolder(name);
  const packaged = folder && describe(folder, "package");
  if (packaged) found.push(packaged);
  else absent.push(`package ${name}`);
  return { found, absent };
}

/** Every addon that is there. */
export const allCandidates = (): Candidate[] =>
  flavourNames.flatMap((flavour) => candidatesOf(flavour).found);

/** An addon file named by hand. What it is stands in `addon.json` beside it; without one it is taken for a CPU build. */
export function namedCandidate(file: string): Candidate {
  const described = describe(path.dirname(file), "named");
  return { ...(described ?? { flavour: "cpu", torch: "", kind: "named" }), file: path.resolve(file) };
}

function describe(folder: string, kind: Candidate["kind"]): Candidate | undefined {
  const file = path.join(folder, "saev.node");
  const description = path.join(folder, "addon.json");
  if (!existsSync(file) || !existsSync(description)) return undefined;
  try {
    const { flavour, torch } = JSON.parse(readFileSync(description, "utf8")) as Record<string, unknown>;
    if (typeof flavour !== "string" || !isFlavour(flavour) || typeof torch !== "string") return undefined;
    return { file, flavour, kind, torch };
  } catch {
    return undefined;
  }
}

function packageFolder(name: string): string | undefined {
  try {
    return path.dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  } catch {
    return undefined;
  }
}
