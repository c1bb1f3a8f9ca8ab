import type { ResolvedTrain } from "@saev/config";
import type { FoundRun } from "./find-runs.js";
import { statesOf } from "./run-states.js";

/** One SAE to train: a new run, or one that goes on. */
export interface RunJob {
  /** Its place among those that were asked for. */
  readonly number: number;
  readonly cfg: ResolvedTrain;
  readonly found: FoundRun | undefined;
}

/** SAEs that are trained on one pass over the data, from one place in it. */
export interface Party {
  readonly jobs: readonly RunJob[];
  /** Seed of the order of the activations. */
  readonly orderSeed: number;
  /** Steps after which each of them has a checkpoint, the latest first; none: they start at the beginning. */
  readonly steps: readonly number[];
}

/**
 * Who can go on together: runs that saw the activations in the same order and have a checkpoint of the same step. As a group's
 * checkpoints are written together, that is the group as it was, unless files were lost.
 */
export function partiesOf(jobs: readonly RunJob[]): Party[] {
  const fresh = jobs.filter(({ found }) => found === undefined);
  const [first] = fresh;
  const out: Party[] = first ? [{ jobs: fresh, orderSeed: first.cfg.seed, steps: [] }] : [];
  const there = groupBy(
    jobs.filter(({ found }) => found !== undefined),
    ({ found }) => found!.record.order_seed,
  );
  for (const [orderSeed, together] of there) {
    for (const part of withCommonSteps(together)) out.push({ ...part, orderSeed });
  }
  return out;
}

function withCommonSteps(jobs: readonly RunJob[]): Omit<Party, "orderSeed">[] {
  const steps = new Map(jobs.map((job) => [job, statesOf(job.found!.dir).map(({ step }) => step)]));
  const common = (some: readonly RunJob[]) =>
    (steps.get(some[0]!) as number[])
      .filter((step) => some.every((job) => steps.get(job)!.includes(step)))
      .reverse();
  const all = common(jobs);
  if (all.length > 0) return [{ jobs, steps: all }];
  const byLast = groupBy(jobs, (job) => steps.get(job)!.at(-1) ?? 0);
  return [...byLast.values()].map((some) => ({ jobs: some, steps: common(some) }));
}

/** `Map.groupBy`, which Node has from 21 on. */
function groupBy<T, K>(list: readonly T[], key: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of list) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}
