/**
 * Attacks every export of the addon with arguments that no caller should give. Runs in a process of its own, because what it
 * looks for is a crash.
 *   hostile.ts SIGNATURES.json TRACE FOLDER
 * SIGNATURES are the addon's declarations (declarations.ts). The call under way stands in TRACE, so that a crash can be
 * told. Files go to FOLDER. Prints one JSON line for each fault and a summary.
 */
import { openSync, readFileSync, writeSync } from "node:fs";
import { addon as loadAddon } from "../../packages/core-native/src/native/load.js";
import type { Signature } from "./declarations.js";
import { generate, harvest, type Pool, randomFrom } from "./generate.js";
import { hostileValues } from "./hostile-values.js";
import { objects } from "./objects.js";

const [signaturesFile = "", traceFile = "", folder = "."] = process.argv.slice(2);
const signatures = JSON.parse(readFileSync(signaturesFile, "utf8")) as Record<string, Signature>;
const trace = openSync(traceFile, "w");
process.chdir(folder);

const addon = loadAddon() as unknown as Record<string, (...args: unknown[]) => unknown>;
const random = randomFrom(2463534242);
const pool: Pool = new Map();

/** Codes that a wrong call may end with. INTERNAL is none of them: it means that nobody checked. */
const expected = new Set(
  "INVALID_ARGUMENT SHAPE_MISMATCH WRONG_HANDLE DISPOSED NOT_FOUND IO BAD_FILE UNSUPPORTED NUMERIC OUT_OF_MEMORY ABORTED".split(
    " ",
  ),
);
const tally = { calls: 0, refused: 0, accepted: 0 };

function fault(name: string, args: readonly unknown[], problem: string): void {
  console.log(JSON.stringify({ name, args: describe(args), problem }));
}

function describe(args: readonly unknown[]): string {
  const one = (value: unknown, depth = 0): string => {
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value === "symbol") return "a symbol";
    if (typeof value === "function") return "function";
    if (typeof value === "string") return JSON.stringify(value);
    if (ArrayBuffer.isView(value)) return `${value.constructor.name}(${value.byteLength} bytes)`;
    if (Array.isArray(value))
      return `[${value.length > 8 ? `${value.length} items` : value.map((v) => one(v, depth + 1)).join(", ")}]`;
    if (typeof value !== "object" || value === null) return String(value);
    if (depth > 2) return "{…}";
    try {
      return `{${Object.entries(value).map(([name, v]) => `${name}: ${one(v, depth + 1)}`)}}`;
    } catch {
      return "an object that throws";
    }
  };
  return args.map((value) => one(value)).join(", ");
}

function check(name: string, args: readonly unknown[], error: unknown): void {
  tally.refused += 1;
  if (!(error instanceof Error)) {
    fault(name, args, `threw ${String(error)}`);
    return;
  }
  if (/of the caller's$/.test(error.message)) return; // what the caller throws may come back as it is
  const { code } = error as Error & { code?: string };
  if (code === undefined || !expected.has(code)) fault(name, args, `code ${code}: ${error.message}`);
  else if (error.message.trim() === "" || error.message.includes("\n"))
    fault(name, args, `message: ${error.message}`);
}

const late = Symbol("late");
const timeout = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms, late).unref());

async function attack(name: string, args: readonly unknown[]): Promise<void> {
  writeSync(trace, `${name}(${describe(args)})`.padEnd(600).slice(0, 600), 0);
  tally.calls += 1;
  let answer: unknown;
  try {
    answer = addon[name]!(...args);
    if (answer instanceof Promise) answer = await Promise.race([answer, timeout(20_000)]);
  } catch (error) {
    check(name, args, error);
    return;
  }
  if (answer === late) fault(name, args, "did not end within 20 s");
  tally.accepted += 1;
  harvest(answer, signatures[name]!.returns, pool, random);
}

/** A few of each class, one of them disposed. What was disposed by an attack is replaced. */
async function fillPool(): Promise<void> {
  for (const [name, make] of Object.entries(objects)) {
    const fresh = [await make(folder), await make(folder), await make(folder)];
    addon.dispose!(fresh[0]);
    pool.set(name, [...fresh, ...(pool.get(name) ?? []).slice(-20)]);
  }
}

// Attacked with the fixed values only. The first changes which kernels the rest runs on, and they are no level's name; of the
// second, what a right call makes is a source that waits until another call feeds it.
const steady = new Set(["forceLevel", "liveSource"]);
const names = Object.keys(addon);

await fillPool();
const anyHandle = () => {
  const those = [...pool.values()].flat();
  return those[random(those.length)];
};
for (const name of names) {
  await attack(name, []);
  for (const value of hostileValues)
    for (let arity = 1; arity <= 6; arity++) await attack(name, Array.from({ length: arity }, value));
  for (let i = 0; i < 20; i++) await attack(name, Array.from({ length: 6 }, anyHandle));
}
for (let round = 0; round < 400; round++) {
  if (round % 50 === 0) await fillPool();
  for (const name of names) {
    if (steady.has(name)) continue;
    // From calls that are right in all but one place to calls that are wrong in most.
    const oneIn = [60, 20, 8, 3][round % 4]!;
    const mischief = { random, pool, oneIn, hostile: [...hostileValues, anyHandle, anyHandle] };
    await attack(
      name,
      signatures[name]!.params.map((shape) => generate(shape, mischief)),
    );
  }
}
console.log(JSON.stringify({ done: true, exports: names.length, ...tally }));
