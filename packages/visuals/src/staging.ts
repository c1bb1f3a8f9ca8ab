import { createHash } from "node:crypto";
import { readdir, readFile, rename, rm } from "node:fs/promises";
import path from "node:path";
import { makeFolder } from "@saev/core";
import { asIoError, writeFileAtomic } from "./write-file.js";

const marker = ".job";

/**
 * The folder in which a job gathers its results, beside the one in which they belong. Whatever happens before
 * {@link publish}, the earlier results stay as they are; an interrupted job that is started again with the same
 * settings finds what it had drawn.
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

  /** @param job text that is equal exactly when the results must be. */
  static async open(target: string, job: string): Promise<Staging> {
    const folder = `${target}.partial`;
    makeFolder(path.dirname(folder));
    const digest = createHash("sha256").update(job).digest("hex");
    const found = await readFile(path.join(folder, marker), "utf8").catch(() => undefined);
    const resumed = found === digest;
    if (!resumed) await rm(folder, { recursive: true, force: true });
    makeFolder(folder);
    await writeFileAtomic(path.join(folder, marker), digest);
    return new Staging(target, folder, resumed);
  }

  /**
   * Moves everything into place, `last` at the end. An entry that is there already is replaced whole; others in the
   * target are left alone.
   */
  async publish(last: string): Promise<void> {
    makeFolder(this.target);
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
