/**
 * Records a dataset and says how much memory that took; run in a process of its own, whose peak is then that of recording.
 *   record-memory-child.ts CONFIG
 * CONFIG is the JSON of an `Activations`. Prints `{ maxRss }`, in bytes.
 */
import { parseActivations } from "@saev/config";
import { recordActivations } from "@saev/core";

await recordActivations(parseActivations(JSON.parse(process.argv[2]!)), { warn: () => {} });
console.log(JSON.stringify({ maxRss: process.resourceUsage().maxRSS * 1024 }));
