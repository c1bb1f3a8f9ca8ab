import { type ResolvedTrain, refusals, splitPasses, Train } from "@saev/config";
import { SaevError } from "../errors.js";
import { openDataset } from "../images/image-dataset.js";
import { ShardFolder } from "../shards/shard-folder.js";
import { modelFacts } from "../vit/model-facts.js";
import { heldOutCount } from "./held-out.js";
import { liveMemory } from "./live-memory.js";
import {
  batchRows,
  type MemoryPlan,
  memoryLimit,
  memoryPlan,
  type PlannedData,
  splitByMemory,
} from "./memory-plan.js";
import { plannedSteps } from "./plan.js";
import { resolveTrain } from "./resolve.js";

/** SAEs that are trained at the same time, on one pass over the data. */
export interface PlannedRound {
  /** Their positions among the configs. */
  readonly saes: readonly number[];
  readonly memory: MemoryPlan;
  /** Activations of a batch. */
  readonly rows: number;
  /** Steps of the whole training. */
  readonly steps: number;
}

/** What a training of some configs will do. */
export interface TrainPlan {
  /** With the width of the data. */
  readonly cfgs: readonly ResolvedTrain[];
  readonly rounds: readonly PlannedRound[];
  /** Bytes that it may take. */
  readonly memory: number;
}

/**
 * How `trainSaes` would train new runs of these configs: which together, in which memory. Nothing is written.
 * @param options.memory bytes that the training may take; default: nine tenths of the machine's, less what others use.
 * @throws SaevError as `trainSaes` does before it starts.
 */
export async function planTraining(
  cfgs: readonly Train[],
  options: { readonly memory?: number } = {},
): Promise<TrainPlan> {
  const resolved: ResolvedTrain[] = [];
  for (const cfg of cfgs) resolved.push(await resolveTrain(cfg));
  const jobs = resolved.map((cfg, number) => ({ cfg, number }));
  const memory = options.memory ?? memoryLimit();
  const rounds: PlannedRound[] = [];
  for (const together of passesOf(jobs)) {
    const data = await plannedData(together[0]!.cfg);
    for (const round of splitByMemory(together, data, memory)) rounds.push(plannedRound(round, data));
  }
  return { cfgs: resolved, rounds, memory };
}

/** Jobs that can share a pass, in order. */
export function passesOf<T extends { readonly cfg: ResolvedTrain }>(jobs: readonly T[]): T[][] {
  const byCfg = new Map(jobs.map((job) => [job.cfg, job]));
  return splitPasses(jobs.map(({ cfg }) => cfg)).map((group) => group.map((cfg) => byCfg.get(cfg)!));
}

export function plannedRound(
  jobs: readonly { readonly cfg: ResolvedTrain; readonly number: number }[],
  data: PlannedData,
): PlannedRound {
  const cfgs = jobs.map(({ cfg }) => cfg);
  const { sae_batch_size: batch, n_patches } = cfgs[0]!;
  return {
    saes: jobs.map(({ number }) => number),
    memory: memoryPlan(cfgs, data),
    rows: batchRows(cfgs[0]!, data),
    steps: plannedSteps(data.rows, batch, n_patches),
  };
}

/** What a config trains on. */
export async function plannedData(cfg: ResolvedTrain): Promise<PlannedData> {
  const { data, images: dataset, val_fraction } = cfg;
  const rows = (images: number, nPatches: number, nLayers: number) =>
    (images - heldOutCount(images, val_fraction)) *
    (data.patches === "patches" ? nPatches : 1) *
    (data.layer === "all" ? nLayers : 1);
  if (data.live) {
    const facts = await modelFacts(data.vit_family, data.vit_ckpt);
    const { length } = await openDataset(dataset);
    return {
      rows: rows(length, facts.nPatches, data.vit_layers.length),
      vit: liveMemory(cfg, facts, length),
    };
  }
  const folder = await ShardFolder.open(data.shard_root);
  const { n_patches_per_img, layers } = folder.metadata;
  return { rows: rows(folder.imagesDone - folder.holes.length, n_patches_per_img, layers.length), vit: 0 };
}

/** @throws SaevError for configs that cannot be trained, whatever the data. */
export function requireTrainable(cfgs: readonly Train[]): void {
  const bad = (message: string) => new SaevError("INVALID_ARGUMENT", `trainSaes: ${message}`);
  if (cfgs.length === 0) throw bad("no config was given");
  const refused = cfgs.flatMap((cfg) => refusals(Train, cfg));
  if (refused.length > 0) {
    throw new SaevError("UNSUPPORTED", [...new Set(refused.map((r) => r.message))].join("; "));
  }
  if (new Set(cfgs).size !== cfgs.length) throw bad("the same config object was given twice");
}
