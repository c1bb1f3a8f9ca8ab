/**
 * Trains SAEs on a shard folder; run in a process of its own, to be killed.
 *   train-child.mjs CONFIGS [HEADROOM] (JSON: an array of Train configs; bytes that the address space may still grow)
 * Prints a JSON line when training starts, for each log entry, and one for the results. Plain JavaScript on the compiled packages:
 * it is started often, and starting from source takes a second more.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { parseTrain } from "@saev/config";
import { systemInfo, trainSaes } from "@saev/core";

const print = (value) => console.log(JSON.stringify(value));
try {
  if (process.argv[3] !== undefined) {
    systemInfo(); // libraries are loaded
    const size = 1024 * Number(/^VmSize:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"))[1]);
    execFileSync("prlimit", ["--pid", String(process.pid), `--as=${size + Number(process.argv[3])}`]);
  }
  const cfgs = JSON.parse(process.argv[2]).map((cfg) => parseTrain(cfg));
  const trained = await trainSaes(cfgs, {
    existing: "continue",
    onStart: ({ from, step }) => print({ from, at: step }),
    onLog: ({ step }) => print({ step }),
  });
  print({ dirs: trained.map(({ dir }) => dir), resumedAt: trained.map((t) => t.resumedAt ?? null) });
} catch (error) {
  const { name, message } = error;
  print({ name, message });
  process.exitCode = 1;
}
