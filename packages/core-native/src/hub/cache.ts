import { randomBytes } from "node:crypto";
import { copyFile, mkdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { SaevError } from "../errors.js";

/** A repository of the hub at one of its states. */
export interface RepoRevision {
  /** "org/name". */
  readonly repo: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
}

/** What a repository holds, as its folder in the cache and its addresses call it. */
export type RepoKind = "models" | "datasets";

export const isCommit = (revision: string): boolean => /^[0-9a-f]{40}$/.test(revision);

/** Whether `name` may be joined to a folder: relative, and never out of it. */
export function isInnerPath(name: string): boolean {
  return (
    name.length < 1000 &&
    !/[\\\0:]/.test(name) &&
    name.split("/").every((part) => part !== "" && part !== "." && part !== "..")
  );
}

/**
 * One folder in the layout of Python's huggingface_hub:
 * `models--org--name/{refs/<revision>, snapshots/<commit>/<file>, blobs/<etag>}`, snapshots being links to blobs; datasets in
 * `datasets--org--name`.
 */
export class HubCache {
  constructor(
    readonly folder: string,
    readonly kind: RepoKind = "models",
  ) {}

  repoFolder(repo: string): string {
    return path.join(this.folder, `${this.kind}--${repo.replaceAll("/", "--")}`);
  }

  snapshotFolder(repo: string, commit: string): string {
    return path.join(this.repoFolder(repo), "snapshots", commit);
  }

  blob(repo: string, etag: string): string {
    return path.join(this.repoFolder(repo), "blobs", etag);
  }

  lock(repo: string, etag: string): string {
    return path.join(this.folder, ".locks", path.basename(this.repoFolder(repo)), `${etag}.saev.lock`);
  }

  /** The commit that a revision was when it was last fetched, or undefined. */
  async commitOf({ repo, revision }: RepoRevision): Promise<string | undefined> {
    if (isCommit(revision)) return revision;
    if (!isInnerPath(revision)) return undefined;
    const ref = path.join(this.repoFolder(repo), "refs", revision);
    const commit = await readFile(ref, "utf8").catch(() => "");
    return isCommit(commit.trim()) ? commit.trim() : undefined;
  }

  /** Path of a file of a commit, if it is there. */
  async find(repo: string, commit: string, file: string): Promise<string | undefined> {
    const found = path.join(this.snapshotFolder(repo, commit), file);
    return (await stat(found).catch(() => undefined))?.isFile() ? found : undefined;
  }

  /** Gives a blob that is there its name in a commit. @returns that path. */
  async link(repo: string, commit: string, file: string, etag: string): Promise<string> {
    const target = path.join(this.snapshotFolder(repo, commit), file);
    const blob = this.blob(repo, etag);
    const draft = `${target}.${randomBytes(4).toString("hex")}`;
    try {
      await mkdir(path.dirname(target), { recursive: true });
      // Relative, so that a cache can be moved. Where links cannot be made, a copy serves Python as well.
      await symlink(path.relative(path.dirname(target), blob), draft).catch(() => copyFile(blob, draft));
      await rename(draft, target);
    } catch (error) {
      await rm(draft, { force: true });
      throw notWritten(target, error);
    }
    return target;
  }

  /** Notes what commit a branch or tag is. */
  async setRef({ repo, revision }: RepoRevision, commit: string): Promise<void> {
    if (revision === commit || !isInnerPath(revision)) return;
    const ref = path.join(this.repoFolder(repo), "refs", revision);
    if ((await readFile(ref, "utf8").catch(() => "")) === commit) return;
    const draft = `${ref}.${randomBytes(4).toString("hex")}.tmp`;
    try {
      await mkdir(path.dirname(ref), { recursive: true });
      await writeFile(draft, commit);
      await rename(draft, ref);
    } catch (error) {
      await rm(draft, { force: true });
      throw notWritten(ref, error);
    }
  }
}

function notWritten(file: string, error: unknown): SaevError {
  const code = (error as NodeJS.ErrnoException).code;
  return new SaevError(
    "IO",
    `cannot write ${file} (${code}); set HF_HOME to a folder that you may write to`,
    {
      cause: error,
    },
  );
}
