/**
 * Trains SAEs on a shard folder; run in a process of its own, to be killed.
 *   train-child.ts CONFIGS (JSON: an array of Train configs)
 * Prints a JSON line when training starts, for each log entry, and one for the results.
 */
import { parseTrain } from "@saev/config";
import { trainSaes } from "@saev/core";

const print = (value: unknown) => console.log(JSON.stringify(value));
try {
  const cfgs = (JSON.parse(process.argv[2]!) as unknown[]).map((cfg) => parseTrain(cfg));
  const trained = await trainSaes(cfgs, {
    existing: "continue",
    onStart: ({ from, step }) => print({ from, at: step }),
    onLog: ({ step }) => print({ step }),
  });
  print({ dirs: trained.map(({ dir }) => dir), resumedAt: trained.map((t) => t.resumedAt ?? null) });
} catch (error) {
  const { name, message } = error as Error;
  print({ name, message });
  process.exitCode = 1;
}
