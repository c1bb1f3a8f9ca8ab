/**
 * Makes and disposes thousands of objects of each native class and prints by how much the process grew, one JSON line each.
 * Needs --expose-gc.
 *   leak-child.ts FOLDER COUNT
 */
import { addon } from "../../packages/core-native/src/native/load.js";
import { objects } from "./objects.js";

const [folder = ".", count = "10000"] = process.argv.slice(2);
const collect = (globalThis as { gc?: () => void }).gc;
if (!collect) throw new Error("run with --expose-gc");

async function residentBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collect!();
    await new Promise((resolve) => setImmediate(resolve)); // finalisers run between turns of the event loop
  }
  return process.memoryUsage.rss();
}

for (const [name, make] of Object.entries(objects)) {
  const round = async (n: number) => {
    for (let i = 0; i < n; i++) {
      const handle = await make(folder);
      addon().dispose(handle);
      // A long synchronous loop would leave the finalisers no turn.
      if (i % 500 === 499) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await round(1000);
  // The allocators take some tens of megabytes before they settle; a leak grows in every round.
  const grown: number[] = [];
  let before = await residentBytes();
  for (let i = 0; i < 4; i++) {
    await round(Number(count) / 4);
    const after = await residentBytes();
    grown.push(after - before);
    before = after;
  }
  console.log(JSON.stringify({ name, made: Number(count), grown }));
}

// Never disposed: the collector is the backstop, and must know how heavy they are. 2 GB pass through here.
const megabyte = new Uint8Array(1 << 20);
let peak = 0;
for (let i = 0; i < 2000; i++) {
  addon().tensorFrom(megabyte, [1 << 18], "float32");
  if (i % 50 === 49) await new Promise((resolve) => setImmediate(resolve));
  peak = Math.max(peak, process.memoryUsage.rss());
}
console.log(JSON.stringify({ name: "undisposed", peakBytes: peak }));
