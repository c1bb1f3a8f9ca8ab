import { totalmem } from "node:os";
import { constrainedMemory } from "node:process";
import { dSae, type ResolvedTrain } from "@saev/config";
import { SaevError } from "../errors.js";
import { makeFolder } from "../io/make-folder.js";
import { requireRoom } from "../io/room.js";

/** Bytes of an SAE's parameters: two matrices and two vectors of float32. */
export function parameterBytes({ sae }: ResolvedTrain): number {
  if (!("d_vit" in sae)) return 0;
  const n = dSae(sae) ?? 0;
  return 4 * (2 * sae.d_vit * n + sae.d_vit + n);
}

/**
 * Makes the folders in which the runs of `cfgs` will lie, and asks for room on the disk: for each run sae.pt, and as many states
 * of three times its size as are kept, and one that is being written.
 * @throws SaevError `IO`.
 */
export function requireDisk(cfgs: readonly ResolvedTrain[]): void {
  for (const folder of new Set(cfgs.map((cfg) => cfg.ckpt_path))) {
    const here = cfgs.filter((cfg) => cfg.ckpt_path === folder);
    const states = (keep: number) => (keep > 0 ? 3 * (keep + 1) : 0);
    const bytes = here.reduce((sum, cfg) => sum + parameterBytes(cfg) * (1 + states(cfg.checkpoint_keep)), 0);
    makeFolder(folder);
    requireRoom(folder, bytes, `the checkpoints of ${here.length === 1 ? "one SAE" : `${here.length} SAEs`}`);
  }
}

/**
 * Asks whether SAEs that are trained together can fit in the machine's memory, or the container's: parameters, two moments, and
 * the copy of the parameters to go back to.
 * @throws SaevError `OUT_OF_MEMORY`, before anything is made.
 */
export function requireMemory(cfgs: readonly ResolvedTrain[]): void {
  const bytes = cfgs.reduce((sum, cfg) => sum + 4 * parameterBytes(cfg), 0);
  const limit = constrainedMemory();
  const there = limit > 0 && limit < totalmem() ? limit : totalmem();
  if (bytes <= there) return;
  const what = cfgs.length === 1 ? "this SAE" : `these ${cfgs.length} SAEs together`;
  throw new SaevError(
    "OUT_OF_MEMORY",
    `training ${what} takes ${gigabytes(bytes)} for parameters and moments, and this machine has ${gigabytes(there)}; ` +
      "choose a smaller exp_factor, or train fewer at a time",
  );
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
