import type { SparseAutoencoder } from "../sae/sparse-autoencoder.js";
import { saeOfState } from "./init-from.js";
import type { RunFolder } from "./run-folder.js";
import { statesOf } from "./run-states.js";
import type { Trainer } from "./trainer.js";

/** Writes an SAE of a trainer, as it is now, as its run's sae.pt. @throws SaevError `IO`. */
export async function saveSae(trainer: Trainer, i: number, run: RunFolder): Promise<void> {
  using sae = trainer.sae(i);
  describe(sae, run);
  await sae.save(run.checkpoint, documentOf(run));
}

/**
 * Writes the SAE of a run's last checkpoint as its sae.pt, for a run whose weights are no good any more.
 * @returns the step of that checkpoint; `undefined` where there is none, and no sae.pt is written.
 * @throws SaevError `IO`, `BAD_FILE`.
 */
export async function saveLastGood(run: RunFolder): Promise<number | undefined> {
  const last = statesOf(run.dir).at(-1);
  if (last === undefined) return undefined;
  using sae = await saeOfState(last.path, run.cfg);
  describe(sae, run);
  await sae.save(run.checkpoint, documentOf(run));
  return last.step;
}

/** What the checkpoint says beside the weights: how the activations were scaled, and the groups of latents that were trained. */
function describe(sae: SparseAutoencoder, { scaling, cfg: { objective } }: RunFolder): void {
  sae.scaling = scaling;
  if (objective.kind === "matryoshka" && objective.group_sizes.length > 0)
    sae.groupSizes = objective.group_sizes;
}

function documentOf({ cfg }: RunFolder) {
  const { kind: _kind, ...document } = cfg.sae;
  return document;
}
