import { randomBytes } from "node:crypto";
import {
  constants,
  copyFile,
  link,
  open,
  readFile,
  rename,
  rm,
  stat,
  unlink,
  utimes,
} from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { SaevError } from "../errors.js";

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once when another process holds the lock. */
  readonly onWait?: ((owner: string) => void) | undefined;
  /** Milliseconds between signs of life, and without one before an owner on another machine counts as gone. */
  readonly beatMs?: number | undefined;
  readonly staleMs?: number | undefined;
  /** Milliseconds for which others are waited for. Default: until they are done. */
  readonly patienceMs?: number | undefined;
  /** What a person can do where the lock cannot be made, for the error's message. */
  readonly advice?: string | undefined;
}

interface Owner {
  readonly pid: number;
  readonly host: string;
  readonly id: string;
}

/**
 * Runs `work` while no other process holds the lock `file`, machines that share the folder included. The lock is a file
 * whose time its owner renews; it passes on when the owner's process is gone, or, on another machine, gave no sign of
 * life for `staleMs`, by default a minute.
 * @param file its folder must be there.
 * @throws SaevError `IO` when the lock cannot be made, or is held longer than `patienceMs`; what `work` throws.
 */
export async function withLock<T>(
  file: string,
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const { beatMs = 3000 } = options;
  const me: Owner = { pid: process.pid, host: hostname(), id: randomBytes(8).toString("hex") };
  try {
    await acquire(file, me, options);
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof SaevError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const advice = options.advice === undefined ? "" : `; ${options.advice}`;
    throw new SaevError("IO", `cannot make the lock ${file} (${code ?? message})${advice}`, { cause: error });
  }
  const beat = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch(() => {});
  }, beatMs);
  beat.unref();
  try {
    return await work();
  } finally {
    clearInterval(beat);
    if ((await ownerOf(file))?.id === me.id) await unlink(file).catch(() => {});
  }
}

async function acquire(file: string, me: Owner, options: LockOptions): Promise<void> {
  const { signal, onWait, staleMs = 60_000, beatMs = 3000, patienceMs = Number.POSITIVE_INFINITY } = options;
  const start = performance.now();
  // Written aside and linked into place, so that nobody reads half a lock.
  const draft = `${file}.${me.id}`;
  const handle = await open(draft, "wx");
  let told = false;
  // When the present owner's last sign of life was first seen, by this machine's clock: clocks of machines differ.
  let seen = { sign: "", since: performance.now() };
  try {
    await handle.writeFile(JSON.stringify(me)).finally(() => handle.close());
    for (let pause = 5; ; pause = Math.min(2 * pause, 250, beatMs)) {
      signal?.throwIfAborted();
      if (await linked(draft, file)) return;
      const owner = await ownerOf(file);
      const time = (await stat(file).catch(() => undefined))?.mtimeMs;
      const sign = `${owner?.id} ${time}`;
      if (sign !== seen.sign) seen = { sign, since: performance.now() };
      const silent = performance.now() - seen.since > staleMs;
      if (time !== undefined && (silent || (owner && isGone(owner)))) {
        await breakLock(file, owner, me);
        continue;
      }
      if (!told && owner) {
        told = true;
        onWait?.(named(owner, me));
      }
      if (performance.now() - start > patienceMs) {
        throw new SaevError(
          "IO",
          `${named(owner, me)} has held the lock ${file} for ${patienceMs / 1000} s; if it does not run, delete that file`,
        );
      }
      // Not all at the same moments.
      await sleep(pause * (0.5 + Math.random()), undefined, { signal }).catch(() => {});
    }
  } finally {
    await rm(draft, { force: true });
  }
}

const named = (owner: Owner | undefined, me: Owner): string =>
  owner ? `process ${owner.pid}${owner.host === me.host ? "" : ` on ${owner.host}`}` : "another program";

async function linked(draft: string, file: string): Promise<boolean> {
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code!;
    if (code === "EEXIST") return false;
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(code)) throw error;
  }
  // A file system without hard links: whoever reads the lock before its text is there waits a moment longer.
  return copyFile(draft, file, constants.COPYFILE_EXCL).then(yes, (error: NodeJS.ErrnoException) => {
    if (error.code === "EEXIST") return false;
    throw error;
  });
}

/** Moves a dead owner's lock away. If what was moved is another's, taken in the meantime, it goes back. */
async function breakLock(file: string, dead: Owner | undefined, me: Owner): Promise<void> {
  const aside = `${file}.${me.id}.dead`;
  if (!(await rename(file, aside).then(yes, no))) return;
  if ((await ownerOf(aside))?.id !== dead?.id) await link(aside, file).catch(() => {});
  await rm(aside, { force: true });
}

const yes = () => true;
const no = () => false;

async function ownerOf(file: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Owner;
  } catch {
    return undefined;
  }
}

function isGone(owner: Owner): boolean {
  if (owner.host !== hostname()) return false;
  try {
    process.kill(owner.pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
