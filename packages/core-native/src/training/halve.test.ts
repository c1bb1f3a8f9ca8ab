/** Successive halving end to end: who stops when, what is kept, and going on. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseTrain } from "@saev/config";
import { afterAll, beforeAll, expect, test } from "vitest";
import { scattered, writeSyntheticShards } from "../shards/testing/synthetic-shards.js";
import { readRunRecord } from "./run-record.js";
import { statesOf } from "./run-states.js";
import { type RunStart, type TrainedSae, type TrainSaesOptions, trainSaes } from "./train-saes.js";

// Tiny models gain nothing from several threads, which only wait for each other where others compute too.
process.env.OMP_NUM_THREADS = "1";

const dVit = 16;
let root: string;
let shardRoot: string;

beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), "saev-halve-"));
  shardRoot = await writeSyntheticShards(path.join(root, "shards"), {
    ...{ images: 60, patches: 16, dVit, values: scattered },
  });
});
afterAll(() => rmSync(root, { recursive: true }));

const rates = [1e-6, 1e-3, 1e-4, 1e-5];
const config = (name: string, lr: number, more: object = {}) =>
  parseTrain({
    data: { shard_root: shardRoot, layer: -1, n_random_samples: 100 },
    n_workers: 1,
    n_patches: 7000,
    sae: { d_vit: dVit, exp_factor: 4, n_reinit_samples: 100 },
    sae_batch_size: 64,
    checkpoint_every: 17,
    log_every: 10,
    lr,
    n_lr_warmup: 0,
    ckpt_path: path.join(root, name),
    device: "cpu",
    ...more,
  });
const sweep = (name: string) => rates.map((lr) => config(name, lr));
const halving = { metric: "mse" } as const;
const sae = ({ dir }: TrainedSae) => readFileSync(path.join(dir, "sae.pt")).toString("base64");
const status = ({ dir }: TrainedSae) => readRunRecord(dir).status;

test("the worst stop at each rung with their states, the best trains to its end as alone, and any goes on", async () => {
  const logged = new Map<number, number>();
  const runs = await trainSaes(sweep("sweep"), {
    halving,
    onLog: (e) => logged.set(e.sae, Math.max(e.step, logged.get(e.sae) ?? 0)),
  });
  const { steps } = runs[1]!;
  const [quarter, half] = [Math.floor(steps / 4), Math.floor(steps / 2)];
  expect(runs.map((run) => [run.steps, status(run)])).toEqual([
    [quarter, "halved"],
    [steps, "finished"],
    [half, "halved"],
    [quarter, "halved"],
  ]);
  expect(runs.map(({ halved }) => halved?.split(" (")[0])).toEqual([
    `mse is among the worst 2 of 4 after ${quarter} steps`,
    undefined,
    `mse is among the worst 1 of 2 after ${half} steps`,
    `mse is among the worst 2 of 4 after ${quarter} steps`,
  ]);
  for (const run of [runs[0]!, runs[2]!, runs[3]!]) {
    expect(run.evaluation).toBeUndefined();
    expect(readdirSync(run.dir)).toContain("sae.pt");
    expect(statesOf(run.dir).at(-1)!.step).toBe(run.steps);
    expect(readRunRecord(run.dir).history.at(-1)).toMatchObject({ event: "halved", step: run.steps });
  }
  expect(logged.get(0)).toBeLessThanOrEqual(quarter);
  const [alone] = await trainSaes([config("alone", rates[1]!)]);
  expect(sae(runs[1]!)).toBe(sae(alone!));
  // The same command leaves them stopped.
  const starts: RunStart["from"][] = [];
  const again = await trainSaes(sweep("sweep"), {
    halving,
    existing: "continue",
    onStart: ({ from }) => starts.push(from),
  });
  expect(starts).toEqual(["halved", "done", "halved", "halved"]);
  expect(again.map(({ halved }) => halved)).toEqual(runs.map(({ halved }) => halved));
  // One goes on when it is asked to, to what it had become by itself.
  const [on] = await trainSaes([config("sweep", rates[0]!)], { resume: [runs[0]!.dir] });
  const [whole] = await trainSaes([config("whole", rates[0]!)]);
  expect(on).toMatchObject({ resumedAt: quarter, steps, halved: undefined });
  expect(sae(on!)).toBe(sae(whole!));
  // Without halving, the same command trains the others on, too.
  const rest = await trainSaes(sweep("sweep"), { existing: "continue" });
  expect(rest.map(status)).toEqual(rates.map(() => "finished"));
});

test("a sweep that was stopped before, at and after a rung ends the same", async () => {
  const whole = await trainSaes(sweep("undisturbed"), { halving });
  const { steps } = whole[1]!;
  const quarter = Math.floor(steps / 4);
  const stopAt = async (options: TrainSaesOptions, when: (step: number) => boolean) => {
    const controller = new AbortController();
    const training = trainSaes(sweep("stopped"), {
      ...options,
      halving,
      existing: "continue",
      signal: controller.signal,
      warn: () => {},
      onLog: ({ step }) => when(step) && controller.abort(new Error("stop")),
    });
    await expect(training).rejects.toThrow("stop");
  };
  await stopAt({}, (step) => step >= quarter - 10);
  await stopAt({}, (step) => step >= quarter);
  await stopAt({}, (step) => step >= quarter + 10);
  const runs = await trainSaes(sweep("stopped"), { halving, existing: "continue" });
  expect(runs.map(({ halved }) => halved)).toEqual(whole.map(({ halved }) => halved));
  expect(runs.map(sae)).toEqual(whole.map(sae));
  expect(runs.map(({ steps }) => steps)).toEqual(whole.map(({ steps }) => steps));
});

test("SAEs are compared on the images that are set aside", async () => {
  const aside = { val_fraction: 0.2, eval_every: 0 };
  const runs = await trainSaes(
    [rates[1]!, rates[3]!].map((lr) => config("aside", lr, aside)),
    { halving },
  );
  expect(runs.map(({ halved }) => halved?.split(", on ")[1])).toEqual([
    undefined,
    `${60 * 0.2 * 16} activations that are set aside)`,
  ]);
  const [alone] = await trainSaes([config("aside-alone", rates[1]!, aside)]);
  expect(sae(runs[0]!)).toBe(sae(alone!));
});

test("halving without checkpoints is refused", async () => {
  const cfgs = rates.map((lr) => config("refused", lr, { checkpoint_keep: 0, checkpoint_every: 0 }));
  await expect(trainSaes(cfgs, { halving, warn: () => {} })).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringMatching(/set checkpoint_keep to 1 or more/),
  });
});
