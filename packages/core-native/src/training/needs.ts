import { dSae, type ResolvedTrain } from "@saev/config";
import { makeFolder } from "../io/make-folder.js";
import { requireRoom } from "../io/room.js";

/** Bytes of an SAE's parameters, float32: two matrices, two vectors, and what its kind has beside. */
export function parameterBytes({ sae }: ResolvedTrain): number {
  const n = dSae(sae);
  const own = sae.kind === "jump-relu" ? 1 : sae.kind === "gated" ? 2 : 0;
  return 4 * (2 * sae.d_vit * n + sae.d_vit + (1 + own) * n);
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
