import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { readdir, readFile, rename, rm } from "node:fs/promises";
import { uptime } from "node:os";
import path from "node:path";
import { makeFolder, syncFileSystem } from "@saev/core";
import { asIoError, writeFileAtomic } from "./write-file.js";

const marker = ".job";

/** Another text each time that the machine starts: Linux counts, elsewhere it is the second in which it did. */
function machineStart(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return String(Math.round(Date.now() / 1000 - uptime()));
  }
}

/**
 * The folder in which a job gathers its results, beside the one in which they belong. Whatever happens before
 * {@link publish}, the earlier results stay as they are; an interrupted job that is started again with the same
 * settings finds what it had drawn.
 *
 * Files in it need not be synced one by one: {@link publish} syncs all of them at once before the first is moved into place, and
 * what lies here from before the machine last started is not trusted, since a power cut may have emptied it.
 */
export class Staging {
  private constructor(
    /** Where results belong. */
    readonly target: string,
    /** Where they are gathered. */
    readonly folder: string,
    /** Whether an interrupted job of the same kind left pictures here. */
    readonly resumed: boolean,
  ) {}

  /** @param job text that is equal exactly when the results must be. @param started what changes when the machine starts. */
  static async open(target: string, job: string, started: string = machineStart()): Promise<Staging> {
    const folder = `${target}.partial`;
    makeFolder(path.dirname(folder));
    const digest = createHash("sha256").update(`${started}\n${job}`).digest("hex");
    const found = await readFile(path.join(folder, marker), "utf8").catch(() => undefined);
    const resumed = found === digest;
    if (!resumed) await rm(folder, { recursive: true, force: true });
    makeFolder(folder);
    await writeFileAtomic(path.join(folder, marker), digest);
    return new Staging(target, folder, resumed);
  }

  /**
   * Puts everything on disk and moves it into place, `last` at the end. An entry that is there already is replaced whole; others in the
   * target are left alone.
   */
  async publish(last: string): Promise<void> {
    makeFolder(this.target);
    await syncFileSystem(this.folder);
    await rm(path.join(this.folder, marker), { force: true });
    const names = (await readdir(this.folder)).sort((a, b) => Number(a === last) - Number(b === last));
    for (const name of names) await replace(path.join(this.folder, name), path.join(this.target, name));
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Renames `from` to `to`, which may be a file or a folder that is not empty. */
async function replace(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
    return;
  } catch {
    // A folder that is not empty is in the way: aside with it.
  }
  const old = `${to}.old.${process.pid}`;
  try {
    await rename(to, old);
    await rename(from, to);
  } catch (error) {
    throw asIoError(error, `cannot move ${from} into place`);
  }
  await rm(old, { recursive: true, force: true });
}
