import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { SaevError } from "../errors.js";
import { cachedSite, cacheFolder } from "./cache.js";
import { describeLibtorch, misfit } from "./describe.js";
import type { FoundLibtorch } from "./find.js";
import { type Flavour, flavours } from "./flavours.js";
import { pythons } from "./python.js";

export interface FetchProgress {
  readonly step: "download" | "unpack";
  /** Bytes; `total` is an estimate while downloading, exact while unpacking. */
  readonly done: number;
  readonly total: number;
}

export interface FetchOptions {
  readonly cache?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
}

/**
 * Fetches the torch wheel of `flavour` (and the `nvidia-*` wheels that it names) through pip and unpacks it into the
 * cache. Nothing is left under the final name until all of it is there; when it is there, nothing is fetched.
 * pip's own settings (indexes, proxies, certificates) hold.
 * @throws SaevError `NOT_FOUND` when no Python with pip is there or pip finds no wheel, `IO` when unpacking fails.
 */
export async function fetchLibtorch(flavour: Flavour, options: FetchOptions = {}): Promise<FoundLibtorch> {
  const site = cachedSite(flavour, options.cache ?? cacheFolder());
  const there = servable(site, flavour);
  if (there) return there;
  const spec = flavours[flavour];
  const python = await withPip(options.signal);
  const partial = `${site}.partial-${process.pid}`;
  const wheels = path.join(partial, "wheels");
  await mkdir(wheels, { recursive: true });
  const watch = watchSize(partial, spec.downloadBytes, options.onProgress);
  try {
    const download = (requirements: readonly string[], noDeps: boolean) =>
      pipDownload(python, requirements, { wheels, noDeps, temporary: partial, signal: options.signal });
    // "+cu126" is how torch's own wheel index tells its builds apart; the general index has one build, unmarked.
    const marked = spec.cuda && spec.cuda !== "13.0" ? `+${flavour}` : "";
    await download([`torch==${spec.torch}${marked}`], true).catch((error) => {
      if (!marked || !(error instanceof SaevError)) throw error;
      const hint = `builds for CUDA ${spec.cuda} lie on PyTorch's own wheel index: set PIP_EXTRA_INDEX_URL to it`;
      throw new SaevError(error.code, `${error.message}; ${hint}`);
    });
    const needed = await run(python, ["-c", listNvidia, wheels], options.signal);
    const requirements = needed.split("\n").filter(Boolean);
    if (requirements.length > 0) await download(requirements, false);
    watch.stop();
    const unpacked = path.join(partial, "site");
    await run(python, ["-c", unpack, wheels, unpacked], options.signal, (line) => {
      const [done, total] = line.split(" ").map(Number);
      if (done !== undefined && total) options.onProgress?.({ step: "unpack", done, total });
    });
    const problem = misfitOf(unpacked, flavour);
    if (problem)
      throw new SaevError("NOT_FOUND", `pip gave a torch that does not serve ${flavour}: ${problem}`);
    await rm(site, { recursive: true, force: true });
    await rename(unpacked, site);
  } finally {
    watch.stop();
    await rm(partial, { recursive: true, force: true });
  }
  const found = servable(site, flavour);
  if (!found) throw new SaevError("INTERNAL", `the libtorch just unpacked into ${site} is not there`);
  return found;
}

function servable(site: string, flavour: Flavour): FoundLibtorch | undefined {
  const torch = existsSync(site) ? describeLibtorch(path.join(site, "torch")) : undefined;
  if (!torch || misfit(torch, flavour)) return undefined;
  return { ...torch, source: "cache", from: "the cache" };
}

function misfitOf(site: string, flavour: Flavour): string | undefined {
  const torch = describeLibtorch(path.join(site, "torch"));
  return torch ? misfit(torch, flavour) : "it holds no libtorch";
}

async function withPip(signal: AbortSignal | undefined): Promise<string> {
  const found = pythons();
  for (const python of found) {
    try {
      await run(python, ["-m", "pip", "--version"], signal);
      return python;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof SaevError)) throw error;
    }
  }
  throw new SaevError(
    "NOT_FOUND",
    `fetching libtorch needs a Python with pip; none of ${found.join(", ")} has one. Install it (Debian: apt-get install python3-pip), or set SAEV_LIBTORCH to an unpacked libtorch`,
  );
}

interface PipOptions {
  readonly wheels: string;
  readonly noDeps: boolean;
  readonly temporary: string;
  readonly signal: AbortSignal | undefined;
}

/** First without retries: an index that does not answer then costs ten seconds and not many minutes. */
async function pipDownload(python: string, requirements: readonly string[], o: PipOptions): Promise<void> {
  const base = ["-m", "pip", "download", "--only-binary", ":all:", "--disable-pip-version-check"];
  const args = [...(o.noDeps ? ["--no-deps"] : []), "--dest", o.wheels, ...requirements];
  const env = { ...process.env, TMPDIR: o.temporary };
  try {
    await run(python, [...base, "--retries", "0", "--timeout", "10", ...args], o.signal, undefined, env);
  } catch (error) {
    o.signal?.throwIfAborted();
    if (!(error instanceof SaevError)) throw error;
    await run(python, [...base, ...args], o.signal, undefined, env);
  }
}

/** Reports the growth of a folder twice a second: the only measure of progress that every pip gives. */
function watchSize(folder: string, total: number, onProgress: FetchOptions["onProgress"]) {
  if (!onProgress) return { stop: () => {} };
  let stopped = false;
  const timer = setInterval(async () => {
    const done = await sizeOf(folder);
    if (!stopped) onProgress({ step: "download", done: Math.min(done, total), total });
  }, 500);
  return {
    stop: () => {
      stopped = true;
      clearInterval(timer);
    },
  };
}

async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])) {
    if (!entry.isFile()) continue;
    bytes += (await stat(path.join(entry.parentPath, entry.name)).catch(() => undefined))?.size ?? 0;
  }
  return bytes;
}

/** Runs Python; resolves with its output, rejects with the last line of what it complained about. */
function run(
  python: string,
  args: readonly string[],
  signal?: AbortSignal,
  onLine?: (line: string) => void,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn(python, args, { stdio: ["ignore", "pipe", "pipe"], env });
    let out = "";
    let err = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    if (onLine) createInterface(child.stdout).on("line", onLine);
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      err += text;
    });
    const stop = () => child.kill();
    signal?.addEventListener("abort", stop, { once: true });
    child.on("error", (error) =>
      reject(new SaevError("NOT_FOUND", `cannot run ${python}: ${error.message}`)),
    );
    child.on("close", (code) => {
      signal?.removeEventListener("abort", stop);
      if (signal?.aborted) return reject(signal.reason);
      if (code === 0) return resolve(out);
      const complaints = err.trim().split("\n");
      const said = complaints.find((line) => line.startsWith("ERROR")) ?? complaints.at(-1);
      reject(
        new SaevError("NOT_FOUND", `${python} ${args.slice(0, 3).join(" ")}: ${said || `exit code ${code}`}`),
      );
    });
  });
}

// What the torch wheel needs at run time beside itself: the CUDA libraries. Triton and the Python packages serve
// Python alone. Markers are dropped: they say "Linux", and a wheel for another system names no nvidia package.
const listNvidia = `
import glob, re, sys, zipfile
for wheel in glob.glob(sys.argv[1] + "/torch-*.whl"):
    z = zipfile.ZipFile(wheel)
    metadata = next(n for n in z.namelist() if n.endswith(".dist-info/METADATA"))
    for line in z.read(metadata).decode().splitlines():
        m = re.match(r"Requires-Dist: ((?:nvidia-|cuda-toolkit)[^;]*)", line)
        if m: print(m.group(1).strip())
`;

const unpack = `
import glob, sys, zipfile
wheels = [zipfile.ZipFile(w) for w in sorted(glob.glob(sys.argv[1] + "/*.whl"))]
total = sum(i.file_size for w in wheels for i in w.infolist())
done = said = 0
for w in wheels:
    for i in w.infolist():
        w.extract(i, sys.argv[2])
        done += i.file_size
        if done - said > total / 200:
            said = done
            print(done, total, flush=True)
print(total, total, flush=True)
`;
