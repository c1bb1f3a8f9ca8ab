/** What goes wrong in the midst of a training: each ends in one clear error, and what was checkpointed stays. */
import { spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import {
  scattered,
  writeSyntheticShards,
} from "../../packages/core-native/src/shards/testing/synthetic-shards.js";
import { compile } from "../e2e/saev.js";
import { childArgs, runChild } from "./child.js";

process.env.OMP_NUM_THREADS = "1";
const dVit = 24;
let root: string;
let shardRoot: string;
let n = 0;
let runs: string;

beforeAll(async () => {
  compile();
  root = mkdtempSync(path.join(tmpdir(), "saev-train-mishaps-"));
  shardRoot = await writeSyntheticShards(path.join(root, "shards"), {
    ...{ images: 80, patches: 16, dVit, values: scattered },
  });
});
afterAll(() => rmSync(root, { recursive: true }));
beforeEach(() => {
  runs = path.join(root, `runs${n++}`);
});

const config = (more: object = {}) => ({
  data: { shard_root: shardRoot, layer: -1, n_random_samples: 200 },
  n_workers: 1,
  n_patches: 20_000,
  sae: { kind: "relu", d_vit: dVit, exp_factor: 4, n_reinit_samples: 200 },
  sae_batch_size: 64,
  log_every: 10,
  checkpoint_every: 40,
  checkpoint_minutes: 0,
  ckpt_path: runs,
  device: "cpu",
  ...more,
});
const endless = { n_patches: 1_000_000_000 };
const trained = (cfgs: object[]) => runChild("train-child.mjs", [JSON.stringify(cfgs)]);
const states = () => {
  const [run] = readdirSync(runs).sort();
  return readdirSync(path.join(runs, run!, "states")).filter((name) => /^step-\d+\.safetensors$/.test(name));
};

/** Starts a training, does `mishap` once it has made 100 steps, and gives what it said in the end. */
function during(
  cfg: object | object[],
  mishap: (pid: number) => void,
): Promise<{ code: number | null; text: string }> {
  return new Promise((resolve, reject) => {
    const args = [...childArgs("train-child.mjs"), JSON.stringify([cfg].flat())];
    const process_ = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    let done = false;
    const hear = (piece: Buffer) => {
      text += piece.toString();
      if (done || !/"step":[1-9]\d\d/.test(text)) return;
      done = true;
      try {
        mishap(process_.pid!);
      } catch (error) {
        process_.kill("SIGKILL");
        reject(error);
      }
    };
    process_.stdout.on("data", hear);
    process_.stderr.on("data", hear);
    process_.on("error", reject);
    process_.on("close", (code) => resolve({ code, text }));
  });
}

test("a second process is refused while the first trains the run", { timeout: 60_000 }, async () => {
  const ended = await during(config(endless), (pid) => {
    const second = trained([config(endless)]);
    process.kill(pid, "SIGKILL");
    expect(second.status).toBe(1);
    expect(second.stdout).toMatch(/another process is training this run/);
  });
  expect(ended.code).toBeNull();
});

/** Trains where files may have so many KiB. */
const limited = (cfgs: object[], kib: number) =>
  spawnSync(
    "bash",
    [
      "-c",
      `ulimit -f ${kib}; exec "$@"`,
      "bash",
      process.execPath,
      ...childArgs("train-child.mjs"),
      JSON.stringify(cfgs),
    ],
    { encoding: "utf8", timeout: 50_000 },
  );

test("a full disk is reported, what was written stays whole, and with room the run ends", {
  timeout: 60_000,
}, () => {
  const full = limited([config()], 16); // run.json and metrics fit, a state does not
  expect(full.status, full.stdout + full.stderr).toBe(1);
  expect(full.stderr).toMatch(/no checkpoint of .*EFBIG|no checkpoint of .*[Ff]ile too large/);
  expect(full.stdout).toMatch(/"name":"SaevError","message":"[^"]*cannot write/);
  expect(states()).toEqual([]);
  const room = trained([config()]);
  expect(room.status, room.stdout + room.stderr).toBe(0);
  expect(readdirSync(runs)).toHaveLength(1);
  expect(states().length).toBeGreaterThan(0);
});

test("where a disk is full for one SAE its last checkpoint stays, and the other one of the sweep ends", {
  timeout: 60_000,
}, async () => {
  const sae = (exp_factor: number) => ({ kind: "relu", d_vit: dVit, exp_factor, n_reinit_samples: 200 });
  const sweep = [config({ n_patches: 20_000, sae: sae(8) }), config({ n_patches: 20_000, sae: sae(1) })];
  await during(sweep, (pid) => process.kill(pid, "SIGKILL"));
  const [large, small] = readdirSync(runs).sort() as [string, string];
  const digests = () =>
    Object.fromEntries(
      states().map((name) => [name, readFileSync(path.join(runs, large, "states", name)).toString("base64")]),
    );
  const before = digests();
  expect(Object.keys(before).length).toBeGreaterThan(0);
  const full = limited(sweep, 24); // neither states nor sae.pt of the large one fit
  expect(full.status, full.stdout + full.stderr).toBe(1);
  expect(full.stderr).toMatch(new RegExp(`no checkpoint of .*${large} .*; earlier ones are kept`));
  expect(full.stdout).toMatch(new RegExp(`"message":"[^"]*cannot write [^"]*${large}`));
  expect(digests()).toEqual(before);
  const record = (run: string) => JSON.parse(readFileSync(path.join(runs, run, "run.json"), "utf8"));
  expect([record(large).status, record(small).status]).toEqual(["stopped", "finished"]);
  expect(readdirSync(path.join(runs, small))).toEqual(expect.arrayContaining(["sae.pt", "evaluation.json"]));
  // With room the large one goes on from there.
  const room = trained(sweep);
  expect(room.lines.flatMap(({ from }) => from ?? [])).toEqual(["done", "resumed"]);
  expect([room.status, record(large).status], room.stdout + room.stderr).toEqual([0, "finished"]);
});

test("a shard that shrinks or is written to stops the training with a checkpoint, from which it goes on when it is back", {
  timeout: 60_000,
}, async () => {
  const shard = path.join(shardRoot, "acts000000.bin");
  const copy = path.join(root, "copy.bin");
  copyFileSync(shard, copy);
  try {
    const { code, text } = await during(config(endless), () => truncateSync(shard, 1000));
    expect(code, text).toBe(1);
    expect(text).toMatch(/acts000000\.bin shrank from/);
    expect(states().length).toBeGreaterThan(0);
  } finally {
    copyFileSync(copy, shard);
  }
  const before = states();
  const back = await during(config(endless), () => {
    const file = openSync(shard, "r+");
    writeSync(file, readFileSync(copy), 0, 4, 0);
    closeSync(file);
  });
  expect(back.text).toMatch(/"from":"resumed","at":[1-9]\d\d/);
  expect(back.code, back.text).toBe(1);
  expect(back.text).toMatch(/acts000000\.bin was written to while it was read; leave the file alone/);
  expect(states().at(-1)! > before.at(-1)!).toBe(true);
});

test("a shard that vanished is named before anything is made", () => {
  const metadata = readdirSync(shardRoot);
  expect(metadata).toContain("acts000001.bin");
  const shard = path.join(shardRoot, "acts000001.bin");
  const bytes = readFileSync(shard);
  rmSync(shard);
  try {
    const { status, stdout } = trained([config()]);
    expect(status).toBe(1);
    expect(stdout).toMatch(/acts000001\.bin/);
  } finally {
    writeFileSync(shard, bytes);
  }
});

test("an SAE that cannot fit in memory is refused before anything is made", () => {
  const { status, stdout } = trained([
    config(),
    config({ sae: { kind: "relu", d_vit: dVit, exp_factor: 100_000_000, n_reinit_samples: 200 } }),
  ]);
  expect(status).toBe(1);
  expect(stdout).toMatch(/takes [\d.e+]+ GB \([\d.e+]+ GB of it parameters\), and [\d.]+ GB may be used/);
});
