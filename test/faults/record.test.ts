import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
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

// Tiny models gain nothing from threads, and lose much where other processes take the cores.
process.env.OMP_NUM_THREADS = "1";

const nImages = 200;
const args = (dump: string) => [path.join(root, "model"), path.join(root, "images"), dump];
const command = (dump: string) => [...childArgs("record-child.mjs"), ...args(dump)];

let root: string;
let undisturbed: Record<string, string>;
const contents = (dump: string) => digests(path.join(dump, readdirSync(dump)[0] ?? ""));

beforeAll(async () => {
  compile();
  root = scratchFolder("saev-kill-");
  await writeTinyClip(path.join(root, "model"));
  await writeDataset(path.join(root, "images"), nImages);
  const child = runChild("record-child.mjs", args(path.join(root, "undisturbed")));
  expect(child.status, child.stderr + child.stdout).toBe(0);
  undisturbed = contents(path.join(root, "undisturbed"));
}, 120_000);
afterAll(() => rmSync(root, { recursive: true }));

/** Starts a recording and kills it `ms` after its `batches`-th batch. Says how many batches it had reported. */
function killed(
  dump: string,
  batches: number,
  ms: number,
): Promise<{ batches: number; signal: string | null }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, command(dump), { stdio: ["ignore", "pipe", "inherit"] });
    let seen = 0;
    let armed = false;
    child.stdout.on("data", (data: Buffer) => {
      seen += data.toString().split("\n").length - 1;
      if (seen < batches || armed) return;
      armed = true;
      setTimeout(() => child.kill("SIGKILL"), ms);
    });
    child.on("error", reject);
    child.on("close", (_, signal) => resolve({ batches: seen, signal }));
  });
}

it("is the same to the byte after ten kills at random moments", { timeout: 120_000 }, async () => {
  const dump = path.join(root, "killed");
  const random = randomNumbers(Date.now());
  const moments: string[] = [];
  for (let kills = 0; kills < 10; ) {
    const batches = Math.floor((random() + 1) * 3);
    const ms = (random() + 1) * 10;
    const end = await killed(dump, Math.max(1, batches), ms);
    moments.push(`${end.batches} batches + ${ms.toFixed(1)} ms`);
    if (end.signal === "SIGKILL") kills++;
    else rmSync(dump, { recursive: true }); // it was done before the kill: start again
    expect(moments.length).toBeLessThan(40);
  }
  const child = runChild("record-child.mjs", args(dump));
  expect(child.status, child.stderr + child.stdout).toBe(0);
  const result = child.lines.at(-1) as { resumedAt: number };
  expect(contents(dump), moments.join(", ")).toEqual(undisturbed);
  expect(result.resumedAt).toBeGreaterThan(0);
});

it("meets a full disk with one clear error, and goes on when there is room", { timeout: 120_000 }, () => {
  const dump = path.join(root, "full");
  // A limit on the size of files stands in for a full disk: the same failing write.
  const limited = ["-c", `trap '' XFSZ; ulimit -f 5; exec "$0" "$@"`, process.execPath, ...command(dump)];
  const full = spawnSync("sh", limited, { encoding: "utf8" });
  expect(full.status).toBe(1);
  const last = JSON.parse(full.stdout.trim().split("\n").at(-1)!);
  expect(last).toMatchObject({ name: "SaevError" });
  expect(last.message).toMatch(/^cannot write .*acts000000\.bin\.part: File too large/);
  const [folder = ""] = readdirSync(dump);
  expect(existsSync(path.join(dump, folder, "acts000000.bin"))).toBe(false);
  const child = runChild("record-child.mjs", args(dump));
  expect(child.status, child.stderr).toBe(0);
  expect(contents(dump)).toEqual(undisturbed);
});
