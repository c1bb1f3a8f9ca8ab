import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { SaevError } from "../errors.js";
import { describeLibtorch } from "../libtorch/describe.js";
import { callAsync } from "../native/call.js";
import { allCandidates } from "../native/candidates.js";
import { hasCudaDriver } from "../native/driver.js";
import { type LoadedAddon, loadedAddon } from "../native/load.js";
import { type DoctorItem, fail, ok, warn } from "./item.js";

/** The addon and everything that is asked of it. Without an addon: one failure that says what was tried. */
export async function nativeItems(signal?: AbortSignal): Promise<DoctorItem[]> {
  const flavours = flavoursItem();
  let addon: LoadedAddon;
  try {
    addon = loadedAddon();
  } catch (error) {
    if (!(error instanceof SaevError)) throw error;
    const [detail = "", ...rest] = error.message.split("\n");
    return [flavours, fail("addon", detail, rest.map((line) => line.trim()).join("; ") || "see above")];
  }
  const info = addon.addon.systemInfo();
  return [
    flavours,
    ok("addon", `${addon.flavour}, ${addon.file}`),
    libtorchItem(addon, info.libtorch),
    cpuItem(info.level, info.cpuFeatures, info.threads),
    await cudaItem(addon, signal),
  ];
}

function flavoursItem(): DoctorItem {
  const found = allCandidates();
  if (found.length === 0)
    return fail(
      "flavours",
      "no native addon is installed",
      "npm install @saev/core, or build it from source",
    );
  return ok(
    "flavours",
    found.map(({ flavour, kind, torch }) => `${flavour} (${kind}, torch ${torch})`).join(", "),
  );
}

/** The libtorch in this process; Linux tells where it lies. */
function libtorchItem(addon: LoadedAddon, compiledWith: string): DoctorItem {
  const folder = mappedLibtorch() ?? addon.libtorch?.folder;
  const version = (folder && describeLibtorch(folder)?.version) ?? compiledWith;
  const from = addon.libtorch ? addon.libtorch.from : "the addon's own run path";
  return ok("libtorch", `${version} from ${from}${folder ? `: ${folder}` : ""}`);
}

function mappedLibtorch(): string | undefined {
  if (!existsSync("/proc/self/maps")) return undefined;
  const line = readFileSync("/proc/self/maps", "utf8")
    .split("\n")
    .find((text) => text.endsWith("/libtorch_cpu.so"));
  return line && path.dirname(path.dirname(line.slice(line.indexOf("/"))));
}

function cpuItem(level: string, features: string, threads: number): DoctorItem {
  const detail = `kernels for ${level}; ${features || "no vector extensions"}; ${threads} threads`;
  return level === "plain"
    ? warn(
        "cpu",
        detail,
        "this CPU has none of the instruction sets that saev's kernels use: expect slow work",
      )
    : ok("cpu", detail);
}

/** Runs a kernel on every device and compares it with the CPU. */
async function cudaItem({ addon, flavour }: LoadedAddon, signal?: AbortSignal): Promise<DoctorItem> {
  const cuda = addon.cudaState();
  if (!cuda.compiled) {
    return hasCudaDriver()
      ? warn("cuda", "there is an NVIDIA driver; this is the CPU build", "build or install a CUDA flavour")
      : ok("cuda", "no device; this is the CPU build");
  }
  if (cuda.devices.length === 0)
    return warn(
      "cuda",
      `no device: ${cuda.problem}; ${flavour} computes on the CPU`,
      "none needed without a GPU",
    );
  const names = cuda.devices.map(({ name, capability }) => `${name} (${capability})`).join(", ");
  for (const device of cuda.devices.keys()) {
    try {
      const deviation = await callAsync({ signal }, (control) => addon.cudaSelfTest(device, control));
      if (deviation !== 0)
        return fail(
          "cuda",
          `${names}: device ${device} is off by ${deviation}`,
          "check the GPU and its driver",
        );
    } catch (error) {
      signal?.throwIfAborted();
      const message = error instanceof Error ? error.message : String(error);
      return fail("cuda", `${names}: ${message}`, `the driver must serve CUDA ${cuda.toolkit}: update it`);
    }
  }
  return ok("cuda", `${names}; toolkit ${cuda.toolkit}; the self-test agrees with the CPU`);
}
