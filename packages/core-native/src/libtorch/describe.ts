import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { type Flavour, flavours } from "./flavours.js";

/** A folder that holds `lib/libtorch_cpu.so` and `include/ATen`: a `torch` package, or an unpacked libtorch. */
export interface Libtorch {
  readonly folder: string;
  /** e.g. "2.13.0", without the part after "+". */
  readonly version: string;
  /** CUDA toolkit that it was built with, e.g. "13.0"; null for a CPU build. */
  readonly cuda: string | null;
}

export const sharedLibrary = (name: string): string =>
  process.platform === "darwin" ? `lib${name}.dylib` : `lib${name}.so`;

/** Reads what the folder is. Undefined when it holds no libtorch. */
export function describeLibtorch(folder: string): Libtorch | undefined {
  if (!existsSync(path.join(folder, "lib", sharedLibrary("torch_cpu")))) return undefined;
  const version = versionFile(folder);
  return version && { folder, ...version };
}

function versionFile(folder: string): { version: string; cuda: string | null } | undefined {
  // A torch package says it in version.py, a plain libtorch in build-version.
  const python = path.join(folder, "version.py");
  if (existsSync(python)) {
    const text = readFileSync(python, "utf8");
    const version = /^__version__ *= *['"]([^'"+]+)/m.exec(text)?.[1];
    const cuda = /^cuda[^=\n]*= *['"]([^'"]+)/m.exec(text)?.[1] ?? null;
    return version ? { version, cuda } : undefined;
  }
  const plain = path.join(folder, "build-version");
  if (!existsSync(plain)) return undefined;
  const [version = "", local = ""] = readFileSync(plain, "utf8").trim().split("+");
  const digits = /^cu(\d+)(\d)$/.exec(local);
  return { version, cuda: digits ? `${digits[1]}.${digits[2]}` : null };
}

/** "2.13" of "2.13.0": within it, libtorch's C++ interface is binary compatible. */
export const minorOf = (version: string): string => version.split(".").slice(0, 2).join(".");

/**
 * Why this libtorch cannot serve a flavour; undefined when it can. A CUDA build serves the CPU flavour too: its
 * CPU half is the same.
 * @param minors minor releases that do; default: those that the sources build with.
 */
export function misfit(
  torch: Libtorch,
  flavour: Flavour,
  minors: readonly string[] = flavours[flavour].accepts,
): string | undefined {
  const spec = flavours[flavour];
  if (!minors.includes(minorOf(torch.version))) {
    return `it is ${torch.version}; ${minors.join(" or ")} is needed`;
  }
  if (spec.cuda && torch.cuda !== spec.cuda) {
    return `it is built ${torch.cuda ? `for CUDA ${torch.cuda}` : "for the CPU alone"}; ${flavour} needs CUDA ${spec.cuda}`;
  }
  return undefined;
}
