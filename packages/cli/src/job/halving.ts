import { text, whole } from "../argv/option.js";

const metrics = ["mse", "l0", "dead", "frontier"] as const;

/** Successive halving of a sweep. */
export const halvingOptions = [
  text(
    "halving",
    "METRIC",
    "mse, l0, dead or frontier",
    "Stop the worst SAEs of a sweep early, after 1/2, 1/4, … of the steps, keeping their states: by mse, l0, dead latents, or frontier (how many others have both a lower mse and a lower l0).",
  ),
  whole(
    "halving-rate",
    "N",
    "a whole number of at least 2",
    "With --halving: one in N goes on each time, and the times are N-th parts of each other; default 2.",
  ),
];

type Given = ReadonlyMap<string, unknown>;

/** What is wrong with the options, a line each. */
export function halvingMistakes(options: Given): string[] {
  const metric = options.get("halving");
  const rate = options.get("halving-rate") as number | undefined;
  const mistakes: string[] = [];
  if (metric !== undefined && !metrics.some((known) => known === metric))
    mistakes.push(`--halving: expected mse, l0, dead or frontier, found ${JSON.stringify(metric)}`);
  if (rate !== undefined && metric === undefined)
    mistakes.push("--halving-rate: only has a meaning with --halving METRIC");
  if (rate !== undefined && rate < 2)
    mistakes.push(`--halving-rate: expected a whole number of at least 2, found ${rate}`);
  if (metric !== undefined && options.has("resume"))
    mistakes.push("--halving: compares the SAEs of a sweep; --resume goes on with one run to its end");
  return mistakes;
}

/** What `trainSaes` is told; undefined without --halving. */
export function halvingOf(options: Given): { metric: (typeof metrics)[number]; rate?: number } | undefined {
  const metric = options.get("halving") as (typeof metrics)[number] | undefined;
  const rate = options.get("halving-rate") as number | undefined;
  return metric && { metric, ...(rate !== undefined && { rate }) };
}
