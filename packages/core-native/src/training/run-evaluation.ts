import type { Objective, ResolvedTrain } from "@saev/config";
import { type DictionaryFigures, dictionaryOfTensors, dictionaryRecord } from "../evaluation/dictionary.js";
import { evaluate } from "../evaluation/evaluate.js";
import { type Evaluation, evaluationRecord, prefixRecords } from "../evaluation/figures.js";
import { usualPrefixes } from "../evaluation/usual-prefixes.js";
import type { BatchSource } from "../loading/batch-source.js";
import type { LongCallOptions } from "../native/call.js";
import { prefixesOfGroups } from "../sae/group-sizes.js";
import { disposeTensors } from "../sae/tensors.js";
import type { Trainer } from "./trainer.js";

/** What a run is measured by, while it trains and at its end. */
export interface RunEvaluation extends Evaluation {
  readonly dictionary: DictionaryFigures;
}

/**
 * Measures SAE number `i` of a trainer, which it leaves as it was, on one epoch of `source`. Beside the source's batches it takes
 * once and a half the memory of the SAE's parameters.
 * @throws SaevError as {@link evaluate}.
 */
export async function evaluateInTraining(
  trainer: Trainer,
  i: number,
  source: BatchSource,
  { objective, sae_batch_size: batchSize }: Pick<ResolvedTrain, "objective" | "sae_batch_size">,
  options: LongCallOptions<{ readonly done: number; readonly total: number }>,
): Promise<RunEvaluation> {
  const evaluation = await measured();
  // The SAE is gone by now: one copy of its parameters at a time.
  const tensors = trainer.tensors(i);
  try {
    return {
      ...evaluation,
      dictionary: await dictionaryOfTensors(tensors, options.signal ? { signal: options.signal } : {}),
    };
  } finally {
    disposeTensors(tensors);
  }

  async function measured(): Promise<Evaluation> {
    using sae = trainer.sae(i);
    const prefixes = measuredPrefixes(objective, sae.dSae);
    return await evaluate(sae, source, { batchSize, prefixes, ...options });
  }
}

/** Of a Matryoshka SAE the groups' ends, or the usual lengths where prefixes were drawn; all latents are measured anyway. */
function measuredPrefixes(objective: Objective, dSae: number): readonly number[] {
  if (objective.kind === "vanilla") return [];
  const { group_sizes } = objective;
  return group_sizes.length > 0 ? prefixesOfGroups(group_sizes).slice(0, -1) : usualPrefixes(dSae);
}

/** Frees what an evaluation holds latent by latent. */
export function disposeEvaluation({ mean, firings, freqs, meanValues, maxValues }: Evaluation): void {
  for (const tensor of [mean, firings, freqs, meanValues, maxValues]) tensor.dispose();
}

/** The figures under their names in files: in evaluation.json, and in metrics.jsonl with "val_" before each. */
export function runRecord(e: RunEvaluation): Readonly<Record<string, unknown>> {
  return {
    ...evaluationRecord(e),
    ...dictionaryRecord(e.dictionary),
    ...(e.prefixes.length > 0 && { prefixes: prefixRecords(e) }),
  };
}
