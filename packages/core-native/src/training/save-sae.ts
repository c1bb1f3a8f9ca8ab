import type { RunFolder } from "./run-folder.js";
import type { Trainer } from "./trainer.js";

/** Writes an SAE of a trainer, as it is now, as its run's sae.pt. @throws SaevError `IO`. */
export async function saveSae(trainer: Trainer, i: number, run: RunFolder): Promise<void> {
  using sae = trainer.sae(i);
  const { kind: _kind, ...document } = run.cfg.sae;
  await sae.save(run.checkpoint, document);
}
