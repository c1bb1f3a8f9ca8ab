import { existsSync, mkdtempSync, rmdirSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { hubCaches } from "../hub/environment.js";
import { cacheFolder } from "../libtorch/cache.js";
import { type DoctorItem, fail, ok, warn } from "./item.js";

/** Folders that saev writes to: all must take files, or the nearest one that exists above them. */
export function folderItems(): DoctorItem[] {
  return [
    writable("hub cache", hubCaches()[0], "set HF_HOME to a folder that you may write to"),
    writable("saev cache", cacheFolder(), "set SAEV_CACHE to a folder that you may write to"),
    writable("temporary files", tmpdir(), "set TMPDIR to a folder that you may write to"),
    writable("working folder", process.cwd(), "go to a folder that you may write to, or give --dump-to"),
  ];
}

/** Free space where activations go by default. */
export function diskItem(folder = process.cwd()): DoctorItem {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const detail = `${(free / 1e9).toFixed(1)} GB free at ${folder}`;
  return free < 10e9
    ? warn("disk", detail, "activations are large (ImageNet's: terabytes): give --dump-to on a larger disk")
    : ok("disk", detail);
}

function writable(name: string, folder: string, remedy: string): DoctorItem {
  let there = folder;
  while (!existsSync(there)) there = path.dirname(there);
  try {
    rmdirSync(mkdtempSync(path.join(there, ".saev-"))); // permissions alone do not tell: read-only disks, root
    return ok(name, there === folder ? folder : `${folder} (made when it is needed)`);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return fail(name, `${folder}: nothing can be written in ${there} (${code})`, remedy);
  }
}
