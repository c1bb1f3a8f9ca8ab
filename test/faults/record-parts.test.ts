import { spawn } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  digests,
  scratchFolder,
  writeDataset,
} from "../../packages/core-native/src/activations/testing/dataset.js";
import { randomNumbers, writeTinyClip } from "../../packages/core-native/src/vit/testing/tiny-clip.js";
import { compile } from "../e2e/saev.js";
import { childArgs, runChild } from "./child.js";

process.env.OMP_NUM_THREADS = "1";

const nImages = 120;
const nParts = 4;

let root: string;
let undisturbed: Record<string, string>;
const folderIn = (dump: string) => path.join(dump, readdirSync(dump)[0] ?? "");
const args = (dump: string) => [path.join(root, "model"), path.join(root, "images"), dump];

beforeAll(async () => {
  compile();
  root = scratchFolder("saev-kill-parts-");
  await writeTinyClip(path.join(root, "model"));
  await writeDataset(path.join(root, "images"), nImages);
  const child = runChild("record-child.mjs", args(path.join(root, "one")));
  expect(child.status, child.stderr + child.stdout).toBe(0);
  undisturbed = digests(folderIn(path.join(root, "one")));
}, 120_000);
afterAll(() => rmSync(root, { recursive: true }));

interface End {
  readonly status: number | null;
  readonly signal: string | null;
  readonly lines: readonly { readonly [name: string]: unknown }[];
}

/** Runs one part; with `after`, kills it that many milliseconds after it said that it has recorded so many batches. */
function runPart(dump: string, part: number, after?: { batches: number; ms: number }): Promise<End> {
  return new Promise((resolve, reject) => {
    const all = [...childArgs("record-child.mjs"), ...args(dump), String(nParts), String(part)];
    const child = spawn(process.execPath, all, {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let out = "";
    let armed = false;
    child.stdout.on("data", (data: Buffer) => {
      out += data.toString();
      if (armed || after === undefined || out.split("\n").length - 1 < after.batches) return;
      armed = true;
      setTimeout(() => child.kill("SIGKILL"), after.ms);
    });
    child.on("error", reject);
    child.on("close", (status, signal) => {
      const whole = out.split("\n").slice(0, -1);
      resolve({ status, signal, lines: whole.map((line) => JSON.parse(line) as Record<string, unknown>) });
    });
  });
}

it("four processes that are killed at random make what one makes, to the byte", {
  timeout: 480_000,
}, async () => {
  const dump = path.join(root, "killed");
  const seed = Date.now();
  const random = randomNumbers(seed);
  const upTo = (n: number) => Math.floor(((random() + 1) / 2) * n);
  const kills = [0, 0, 0, 0];
  const rounds = 3;
  for (let round = 0; round < rounds; round++) {
    // All at once; the last batch of a part, its sealing and that of the folder are hit too.
    const ends = await Promise.all(
      kills.map((_, part) => runPart(dump, part, { batches: 1 + upTo(8), ms: upTo(30) })),
    );
    for (const [part, { signal }] of ends.entries()) if (signal === "SIGKILL") kills[part]! += 1;
  }
  const last = await Promise.all(kills.map((_, part) => runPart(dump, part)));
  for (const { status, lines } of last) expect(status, JSON.stringify(lines.at(-1))).toBe(0);
  // One of them found nobody missing.
  expect(last.filter(({ lines }) => (lines.at(-1)!.waitingFor as number[]).length === 0)).not.toHaveLength(0);
  expect(digests(folderIn(dump)), `seed ${seed}, kills ${kills}`).toEqual(undisturbed);
  expect(kills.filter((times) => times > 0).length, `kills ${kills}`).toBeGreaterThan(1);
});

it("two runs of one part exclude each other", { timeout: 120_000 }, async () => {
  const dump = path.join(root, "twice");
  const ends = await Promise.all([runPart(dump, 2), runPart(dump, 2)]);
  // Whoever came second was refused, unless the first had ended by then.
  const refused = ends.filter(({ status }) => status !== 0);
  for (const { lines } of refused)
    expect(lines.at(-1)).toMatchObject({
      message: expect.stringMatching(/another process is recording into/),
    });
  expect(refused.length).toBeLessThan(2);
  const own = path.join(folderIn(dump), "parts/2-of-4");
  const status = JSON.parse(readFileSync(path.join(own, "saev.json"), "utf8")) as object;
  expect(status).toMatchObject({ status: "complete" });
});
