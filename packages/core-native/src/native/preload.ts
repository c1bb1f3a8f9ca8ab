import { constants } from "node:os";
import path from "node:path";
import { minorOf, sharedLibrary } from "../libtorch/describe.js";
import { type FoundLibtorch, findLibtorch } from "../libtorch/find.js";
import type { Candidate } from "./candidates.js";

// Keeps a library after the failed module load below has closed it. Node's constants do not name it.
const RTLD_NODELETE = process.platform === "darwin" ? 0x80 : 0x1000;

/**
 * Loads libtorch before an addon that has no run path of its own: the names that the addon asks for (libtorch_cpu.so,
 * libc10.so …) then are in the process already, and the dynamic linker takes those.
 * @returns the libtorch, or why there is none.
 */
export function preloadLibtorch(candidate: Candidate): { torch: FoundLibtorch } | { problem: string } {
  const { found, tried } = findLibtorch(candidate.flavour, {
    cacheFirst: true,
    ...(candidate.torch && { minors: [minorOf(candidate.torch)] }),
  });
  if (!found) return { problem: `no libtorch for it: ${tried.join("; ")}` };
  const names = candidate.flavour === "cpu" ? ["torch_cpu"] : ["torch_cpu", "torch_cuda"];
  for (const name of names) {
    const file = path.join(found.folder, "lib", sharedLibrary(name));
    const problem = keepLibrary(file);
    if (problem) return { problem };
  }
  return { torch: found };
}

/** Opens a shared library for good. `process.dlopen` is for addons and says so after the library was opened. */
function keepLibrary(file: string): string | undefined {
  try {
    process.dlopen(
      { exports: {} },
      file,
      constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL | RTLD_NODELETE,
    );
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (!/did not self-register/.test(message)) return message;
  }
  return undefined;
}
