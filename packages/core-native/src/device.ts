import { SaevError } from "./errors.js";
import { callSync } from "./native/call.js";
import type { NativeCudaState } from "./native/cuda.js";
import { addon } from "./native/load.js";

/** Where work runs. CUDA builds compute on the CPU as yet: their kernels are not complete. */
export type Device = "cpu";

/** What the loaded addon and this machine can do on a GPU. */
export type CudaInfo = NativeCudaState;

/** Loads the addon and asks it. @throws SaevError `ADDON_LOAD` when no addon loads. */
export function cudaInfo(): CudaInfo {
  return callSync(() => addon().cudaState());
}

export interface ResolveDeviceOptions {
  /** Where the one warning goes; default: `process.emitWarning`. */
  readonly warn?: ((message: string) => void) | undefined;
}

let warned = false;

/**
 * Turns the `device` of a config into where the work runs. "cuda" falls back to "cpu" with one warning a process that
 * says why, so that a config written on a GPU machine runs everywhere.
 * @param device "cpu", "cuda" or "cuda:N".
 * @throws SaevError `INVALID_ARGUMENT` for anything else.
 */
export function resolveDevice(device: string, options: ResolveDeviceOptions = {}): Device {
  if (device === "cpu") return "cpu";
  if (!/^cuda(:\d+)?$/.test(device)) {
    throw new SaevError("INVALID_ARGUMENT", `device: expected "cpu", "cuda" or "cuda:N", found "${device}"`);
  }
  if (!warned) {
    warned = true;
    const warn = options.warn ?? ((message) => process.emitWarning(message, { code: "SAEV_DEVICE" }));
    warn(`device "${device}": ${whyNot(cudaInfo())}; computing on the CPU`);
  }
  return "cpu";
}

function whyNot(cuda: CudaInfo): string {
  if (!cuda.compiled) return "this is the CPU build of saev";
  if (cuda.devices.length === 0) return `no GPU can be used (${cuda.problem})`;
  return "saev's CUDA kernels are not complete in this version";
}
