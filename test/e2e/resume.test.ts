import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compile, saev, saevHere } from "./saev.js";
import { type SmallRun, smallRun } from "./small-run.js";

let small: SmallRun;
beforeAll(async () => {
  compile();
  small = await smallRun();
}, 120_000);
afterAll(() => small?.remove());

const run = (...args: string[]) => saevHere(args, { cwd: small.folder });
const training = (...more: string[]) => [
  ...[
    "train",
    "--data.shard-root",
    small.shards,
    "--sae-batch-size",
    "200",
    "--lr",
    "1e-3",
    "--n-lr-warmup",
    "20",
  ],
  ...[
    "--log-every",
    "50",
    "--device",
    "cpu",
    "--ckpt-path",
    "resumed",
    ...more,
    "sae:relu",
    "--sae.exp-factor",
    "4",
    "--sae.n-reinit-samples",
    "1000",
  ],
];
const states = (dir: string) => readdirSync(path.join(small.folder, dir, "states"));
const record = (dir: string) => JSON.parse(readFileSync(path.join(small.folder, dir, "run.json"), "utf8"));

test("saev train: the same command goes on, a finished run is left alone, --resume extends it", async () => {
  // SIGUSR1 once it trains, and Ctrl-C once that has written a checkpoint; by the clock none is due for ten minutes.
  let asked = false;
  const stopped = await saev(training("--n-patches", "400_000"), {
    cwd: small.folder,
    started: (child) => {
      const look = setInterval(() => {
        try {
          const dir = path.join("resumed", readdirSync(path.join(small.folder, "resumed"))[0]!);
          const metrics = readFileSync(path.join(small.folder, dir, "metrics.jsonl"), "utf8");
          if (!asked && metrics.includes('"step"')) asked = child.kill("SIGUSR1");
          if (states(dir).some((name) => name.endsWith(".safetensors"))) {
            clearInterval(look);
            child.kill("SIGINT");
          }
        } catch {
          // not yet
        }
      }, 10);
      child.on("close", () => clearInterval(look));
    },
  });
  expect(stopped.code, stopped.stderr).toBe(130);
  expect(stopped.stderr).toContain("SIGUSR1: writing a checkpoint");
  expect(stopped.stderr).toContain("the same command goes on from there");

  const finished = await run(...training("--n-patches", "400_000"));
  expect(finished, finished.stderr).toMatchObject({ code: 0 });
  expect(finished.stderr).toMatch(/going on after step \d+/);
  const dir = finished.stdout.trim().split("\n").at(-1)!;
  expect(record(dir).history.map(({ event }: { event: string }) => event)).toEqual([
    "started",
    "stopped",
    "went on",
    "finished",
  ]);

  const again = await run(...training("--n-patches", "400_000"));
  expect(again.stderr).toContain("is finished; --new trains another");
  expect(readdirSync(path.join(small.folder, "resumed"))).toHaveLength(1);

  const longer = await run("train", "--resume", dir, "--n-patches", "500_000", "--json");
  expect(longer, longer.stderr).toMatchObject({ code: 0 });
  const [{ steps }] = JSON.parse(longer.stdout);
  expect(steps).toBeGreaterThan(record(dir).history[3].step);
  expect(record(dir).history.at(-2).changes).toEqual({ n_patches: [400_000, 500_000] });

  const other = await run(...training("--n-patches", "20_000", "--new", "--quiet"));
  expect(other.stdout.trim()).not.toBe(dir);
});

test("saev train --resume of what is no run, or with --sweep, says so", async () => {
  const nothing = await run("train", "--resume", "pictures");
  expect(nothing.code).toBe(1);
  expect(nothing.stderr).toMatch(/NOT_FOUND: --resume pictures: expected a training run/);
  const both = await run("train", "--resume", small.runs[0]!, "--new");
  expect(both.code).toBe(2);
  expect(both.stderr).toContain("it cannot be combined with --sweep or --new");
});
