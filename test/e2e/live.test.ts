import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compile, saev, saevHere } from "./saev.js";
import { type SmallRun, smallRun } from "./small-run.js";

let small: SmallRun;
beforeAll(async () => {
  compile();
  small = await smallRun();
}, 240_000);
afterAll(() => small?.remove());

const live = (folder: string, nPatches: number, ...more: string[]) => [
  ...["train", "--data.live", "--data.vit-ckpt", small.model, "--data.vit-batch-size", "5"],
  ...["--n-patches", String(nPatches), "--sae-batch-size", "200", "--lr", "1e-3", "--n-lr-warmup", "20"],
  ...["--log-every", "50", "--checkpoint-every", "5", "--device", "cpu", "--ckpt-path", folder, ...more],
  ...["sae:relu", "--sae.exp-factor", "2", "--sae.n-reinit-samples", "1000"],
  ...["images:image-folder-dataset", "--images.root", small.pictures],
];
const run = (...args: string[]) => saevHere(args, { cwd: small.folder });
const only = (folder: string) =>
  path.join(small.folder, folder, readdirSync(path.join(small.folder, folder))[0]!);
const sae = (dir: string) => readFileSync(path.join(dir, "sae.pt"));

test("saev train --data.live comes out as training on recorded shards, with no shards", async () => {
  const sweep = path.resolve(import.meta.dirname, "../fixtures/sweep-of-two.toml");
  const done = await saev(live("whole", 40_000, "--sweep", sweep), { cwd: small.folder });
  expect(done, done.stderr).toMatchObject({ code: 0 });
  const runs = readdirSync(path.join(small.folder, "whole")).toSorted();
  expect(runs).toHaveLength(small.runs.length);
  for (const [i, id] of runs.entries()) {
    const dir = path.join(small.folder, "whole", id);
    expect(sae(dir).equals(sae(small.runs[i]!))).toBe(true);
    expect(readFileSync(path.join(dir, "evaluation.json"))).toEqual(
      readFileSync(path.join(small.runs[i]!, "evaluation.json")),
    );
  }
}, 240_000);

test("images set aside: a dry run says which, lines of metrics and the table are of them", async () => {
  const aside = ["--val-fraction", "0.2", "--eval-every", "7", "--n-val", "150"];
  const dry = await run(...live("aside", 5000, ...aside), "--dry-run");
  expect(dry.stdout).toContain(
    "20 % of the images, which are set aside (val_seed 42): at most 150 activations",
  );
  expect(dry.stdout).toMatch(/of them every 7 steps, all at the end/);
  expect(dry.stdout).toContain("evaluation while training");
  const done = await run(...live("aside", 5000, ...aside));
  expect(done, done.stderr).toMatchObject({ code: 0 });
  expect(done.stdout).toContain("figures are of 200 activations that were not trained on");
  expect(done.stdout).toMatch(/^evaluated \d+ times while training, in [\d.e-]+ % of the/m);
  const dir = only("aside");
  const held = JSON.parse(readFileSync(path.join(dir, "held-out.json"), "utf8"));
  expect(held).toMatchObject({ of: 12, fraction: 0.2, seed: 42, images: { length: 2 } });
  const lines = readFileSync(path.join(dir, "metrics.jsonl"), "utf8").split("\n");
  const [first] = lines.flatMap((line) => (line.includes("val_mse") ? [JSON.parse(line)] : []));
  expect(first).toMatchObject({ step: 7, val_n_rows: 100, val_coherence: expect.any(Number) });
}, 240_000);

test("in a small buffer, stopped and continued by the same command: the same bits", async () => {
  const buffer = ["--buffer", "400"]; // rows: two blocks of two pictures
  const whole = await run(...live("undisturbed", 5000, ...buffer));
  expect(whole, whole.stderr).toMatchObject({ code: 0 });
  const stopped = await saev(live("interrupted", 5000, ...buffer), {
    cwd: small.folder,
    started: (child) => {
      const look = setInterval(() => {
        try {
          if (readdirSync(path.join(only("interrupted"), "states")).length === 0) return;
          clearInterval(look);
          child.kill("SIGTERM");
        } catch {
          // not yet
        }
      }, 10);
      child.on("close", () => clearInterval(look));
    },
  });
  expect(stopped.code, stopped.stderr).toBe(143);
  const on = await run(...live("interrupted", 5000, ...buffer));
  expect(on, on.stderr).toMatchObject({ code: 0 });
  expect(on.stderr).toMatch(/going on after step \d+/);
  expect(sae(only("interrupted")).equals(sae(only("undisturbed")))).toBe(true);
}, 240_000);

test("a dry run says what would run; options of one kind of data are refused with the other", async () => {
  const plan = await run(...live("plan", 5000, "--buffer", "64_000", "--dry-run"));
  expect(plan, plan.stderr).toMatchObject({ code: 0 });
  expect(plan.stdout).toMatch(/live +12 files under .*, through clip .*clip-demo/);
  expect(plan.stdout).toMatch(/buffer +64,000 rows, 32\.8 MB/);
  for (const [args, reason] of [
    [["train", "--data.vit-ckpt", "x"], /data\.vit_ckpt = "x" is not supported: without data\.live/],
    [live("x", 5000, "--data.shard-root", "y"), /data\.shard_root = "y" is not supported/],
    [live("x", 5000, "--buffer", "100"), /buffer: 100 rows are fewer than two images have, 200/],
  ] as const) {
    const refused = await run(...args);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(reason);
  }
});
