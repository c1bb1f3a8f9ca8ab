/**
 * Runs one target in TypeScript in a process of its own, which a decoder may take down: NAME RUNS SEED [committed].
 * Mutates what is in its corpus, keeps what reaches code that nothing reached before. Prints a FuzzResult as JSON.
 */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { Coverage } from "./coverage.js";
import { folders, inMemory, lastInputOf } from "./folders.js";
import { mutate } from "./mutate.js";
import { Random } from "./random.js";
import type { FuzzResult } from "./result.js";
import type { FuzzTarget } from "./target.js";

const [name = "", runs = "1000", seed = "1", only = ""] = process.argv.slice(2);
/** Only what is committed is mutated, and nothing is kept: the same inputs on every machine. */
const committed = only === "committed";
// Counting begins before the code is loaded: what it looks at is known by name only.
const coverage = new Coverage();
const { targets } = await import("./targets/index.js");
const { expectClear } = await import("./target.js");
const target = targets.find((t) => t.name === name)!;
coverage.files = target.files;

const work = mkdtempSync(path.join(inMemory, "saev-fuzz-"));
process.on("exit", () => rmSync(work, { recursive: true, force: true }));
const findings = path.join(folders.findings, name);
const lastInput = lastInputOf(name);
const found: string[] = [];

/** Runs it; what breaks is written down. The input lies on disk first, for when the process does not come back. */
async function attempt(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  writeFileSync(lastInput, bytes);
  try {
    await expectClear(target, bytes, work);
  } catch (error) {
    mkdirSync(findings, { recursive: true });
    const file = path.join(findings, createHash("sha1").update(bytes).digest("hex").slice(0, 16));
    writeFileSync(file, bytes);
    found.push(file);
    process.stderr.write(`${name}: ${file}: ${(error as Error).stack ?? error}\n`);
    if (found.length >= 20) throw new Error("20 findings: mend them first");
  }
}

function corpusOf(target: FuzzTarget): Uint8Array<ArrayBuffer>[] {
  const found = committed ? [] : [path.join(folders.corpora, target.name)];
  return [path.join(folders.fixtures, target.name), ...found]
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder)
        .sort()
        .map((file) => new Uint8Array(readFileSync(path.join(folder, file)))),
    );
}

function keep(bytes: Uint8Array): void {
  if (committed) return;
  const folder = path.join(folders.corpora, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, createHash("sha1").update(bytes).digest("hex").slice(0, 16)), bytes);
}

const random = new Random(Number(seed));
const words = target.words.map((word) => Buffer.from(word, "latin1"));
const corpus = corpusOf(target);
if (corpus.length === 0) corpus.push(new Uint8Array(0));
const started = performance.now();
for (const bytes of corpus) await attempt(bytes);
coverage.look();
coverage.accept();

let inputs = 0;
while (inputs < Number(runs)) {
  const n = Math.min(target.batch, Number(runs) - inputs);
  // Late finds are looked at more often than the seeds.
  const pick = () =>
    corpus[
      random.below(2) === 0
        ? random.below(corpus.length)
        : corpus.length - 1 - random.below(Math.ceil(corpus.length / 4))
    ]!;
  const batch = Array.from({ length: n }, () => mutate(pick(), corpus, words, target.maxBytes, random));
  for (const bytes of batch) await attempt(bytes);
  inputs += n;
  if (coverage.look()) await keepNew(batch);
}

/** The counters say that a batch reached something new; running it again in halves says which input did. */
async function keepNew(batch: Uint8Array<ArrayBuffer>[]): Promise<void> {
  const groups = [batch];
  for (let group = groups.shift(); group; group = groups.shift()) {
    for (const bytes of group) await attempt(bytes);
    if (!coverage.look()) continue;
    if (group.length > 1) {
      groups.push(group.slice(0, group.length >> 1), group.slice(group.length >> 1));
    } else {
      coverage.accept();
      corpus.push(group[0]!);
      keep(group[0]!);
    }
  }
}

const result: FuzzResult = {
  name,
  inputs,
  seconds: (performance.now() - started) / 1000,
  coverage: `${(100 * coverage.share).toFixed(0)} %`,
  corpus: corpus.length,
  findings: found,
};
rmSync(lastInput, { force: true });
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(found.length > 0 ? 1 : 0);
