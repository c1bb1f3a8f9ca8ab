/**
 * `npm run bench -- NAME… [--json]`: runs bench/NAME.ts and prints our figure, the peer's and the ratio.
 * Without a name it lists them; `all` runs each in turn. Exit codes: 0 done, 1 a benchmark failed, 2 usage.
 */
import { readdirSync } from "node:fs";
import type { BenchResult } from "./result.js";

const support = new Set(["run", "result"]);

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
  .map((file) => file.slice(0, -3))
  .filter((name) => !support.has(name) && !name.startsWith("_"))
  .sort();

const args = process.argv.slice(2);
const json = args.includes("--json");
const unknownFlags = args.filter((arg) => arg.startsWith("-") && arg !== "--json");
let wanted = args.filter((arg) => !arg.startsWith("-"));
const unknown = wanted.filter((name) => name !== "all" && !names.includes(name));

if (unknownFlags.length > 0 || unknown.length > 0 || wanted.length === 0) {
  const problem = [...unknownFlags, ...unknown].map((arg) => `unknown: ${arg}\n`).join("");
  const usage = `${problem}usage: npm run bench -- NAME… [--json]\nnames: ${names.join(", ") || "none yet"}, all\n`;
  const asked = problem !== "";
  (asked ? process.stderr : process.stdout).write(usage);
  process.exit(asked ? 2 : 0);
}
if (wanted.includes("all")) wanted = names;

for (const name of wanted) {
  try {
    const benchmark = (await import(`./${name}.ts`)) as {
      default: () => Promise<BenchResult | readonly BenchResult[]>;
    };
    for (const result of [await benchmark.default()].flat())
      process.stdout.write(json ? `${JSON.stringify(result)}\n` : table(result));
  } catch (error) {
    process.stderr.write(`${name}: ${error instanceof Error ? (error.stack ?? error.message) : error}\n`);
    process.exitCode = 1;
  }
}

function table(r: BenchResult): string {
  const figure = (value: number) => `${Number(value.toPrecision(4))} ${r.unit}`;
  const notes = (r.notes ?? []).map((note) => `  ${note}\n`).join("");
  const name = r.variant ? `${r.name} (${r.variant})` : r.name;
  return `${name}: ours ${figure(r.ours)}, peer ${figure(r.peer)}, ratio ${r.ratio.toFixed(2)}\n${notes}`;
}
