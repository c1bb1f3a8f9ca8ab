/**
 * Trains one SAE after another and prints how much this process grew at most: run in a process of its own.
 *   memory-child.ts CONFIGS EVALUATED (JSON: an array of Train configs, the first a small one that brings libraries into
 *   memory; a number: so many of them are evaluated at their end)
 * Prints a JSON line for each: { planned (bytes by what they are for), grown (bytes) }.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseTrain } from "@saev/config";
import { type MemoryPlan, trainSaes } from "@saev/core";

/** Anonymous memory apart from mapped files; the peak counts those too, and here they are small. */
const status = (what: string): number =>
  1024 *
  Number(new RegExp(`^${what}:\\s+(\\d+) kB`, "m").exec(readFileSync("/proc/self/status", "utf8"))![1]);

for (const [i, document] of (JSON.parse(process.argv[2]!) as unknown[]).entries()) {
  let planned: MemoryPlan | undefined;
  const before = status("VmRSS");
  writeFileSync("/proc/self/clear_refs", "5"); // the peak starts anew
  await trainSaes([parseTrain(document)], {
    evaluate: i < Number(process.argv[3]),
    onPlan: (rounds) => {
      planned = rounds[0]!.memory;
    },
  });
  console.log(JSON.stringify({ planned, grown: status("VmHWM") - before }));
}
