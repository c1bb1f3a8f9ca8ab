/**
 * `npm run fuzz -- NAME… [--runs N] [--seeds FOLDER] [--minimise FOLDER] [--record]`: mutates inputs of a parser until N have
 * been read. C++ goes through libFuzzer with the address and undefined-behaviour sanitizers and needs clang++; TypeScript
 * through a driver of ours, guided by V8's coverage. Without a name it lists the targets; `all` runs each in turn.
 * Exit codes: 0 nothing found, 1 findings or a failure, 2 usage.
 */
import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { record } from "./figures.js";
import { fuzzNative, minimise, nativeTargets } from "./native.js";
import type { FuzzResult } from "./result.js";
import { fuzzScript } from "./script.js";
import { scriptTargets } from "./targets/names.js";

const native = nativeTargets.map(({ name }) => name);
const names = [...native, ...scriptTargets];
const { values, positionals } = options();
const wanted = positionals.includes("all") ? names : positionals;

for (const name of wanted) {
  try {
    const seeds =
      values.seeds === undefined ? [] : [path.join(values.seeds, name)].filter((f) => existsSync(f));
    if (values.minimise !== undefined && native.includes(name)) {
      const into = path.join(values.minimise, name);
      mkdirSync(into, { recursive: true });
      await minimise(name, into, seeds);
      continue;
    }
    const runs = Number(values.runs);
    const result = native.includes(name)
      ? await fuzzNative(name, runs, seeds)
      : await fuzzScript(name, runs, { seed: Number(values.seed) });
    process.stdout.write(line(result));
    if (values.record) record(result);
    if (result.findings.length > 0) process.exitCode = 1;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
}

function options() {
  try {
    const parsed = parseArgs({
      allowPositionals: true,
      options: {
        runs: { type: "string", default: "100000" },
        seed: { type: "string", default: "1" },
        seeds: { type: "string" },
        minimise: { type: "string" },
        record: { type: "boolean", default: false },
      },
    });
    const unknown = parsed.positionals.filter((name) => name !== "all" && !names.includes(name));
    if (unknown.length > 0) return usage(`unknown: ${unknown.join(", ")}`);
    if (!/^[1-9]\d*$/.test(parsed.values.runs))
      return usage(`--runs: expected a number above 0, found ${parsed.values.runs}`);
    if (parsed.positionals.length === 0) return usage();
    return parsed;
  } catch (error) {
    return usage((error as Error).message);
  }
}

function usage(problem?: string): never {
  const text =
    "usage: npm run fuzz -- NAME… [--runs 100000] [--seed 1] [--seeds FOLDER] [--minimise FOLDER] [--record]\n" +
    `C++ (needs clang++): ${native.join(", ")}\nTypeScript: ${scriptTargets.join(", ")}\nor: all\n`;
  (problem === undefined ? process.stdout : process.stderr).write(
    problem === undefined ? text : `${problem}\n${text}`,
  );
  process.exit(problem === undefined ? 0 : 2);
}

function line({ name, inputs, seconds, coverage, corpus, findings }: FuzzResult): string {
  const found = findings.map((file) => `  ${file}\n`).join("");
  return `${name}: ${inputs} inputs in ${seconds.toFixed(1)} s, coverage ${coverage}, corpus ${corpus}, ${findings.length} findings\n${found}`;
}
