import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { at, hashes, made, run, runAlone } from "./workspace.js";

interface Plan {
  memory_limit: number;
  rounds: { saes: object[]; steps: number; seconds: number; memory: { total: number } }[];
}

/** Bytes that a sweep of `saes` SAEs takes in one round here: threads have blocks of their own, so machines differ. */
async function memoryOfOneRound(line: readonly string[], saes: number): Promise<number> {
  const { rounds } = JSON.parse((await run(...line, "--dry-run", "--json")).stdout) as Plan;
  expect(rounds.map((round) => round.saes.length)).toEqual([saes]);
  return rounds[0]!.memory.total;
}

/** Each job in its turn, on what the one before it made. */
export function fromPicturesToAGallery(): void {
  test("activations: says what it would do, does it, and then has nothing to do", async () => {
    const dry = await run("activations", "--config", "activations.toml", "--dry-run", "--json");
    expect(dry.code).toBe(0);
    const plan = JSON.parse(dry.stdout) as Record<string, unknown>;
    expect(plan).toMatchObject({
      exists: false,
      files: 12,
      tokens: 101,
      layers: [-2],
      images_per_shard: 29,
      shards: 1,
    });
    expect(existsSync(at("shards"))).toBe(false);

    const first = await runAlone("activations", "--config", "activations.toml", "--quiet");
    expect(first).toMatchObject({ code: 0, stdout: `${plan.dir}\n`, stderr: "" });
    made.shards = first.stdout.trim();
    const before = hashes(at(made.shards));

    const again = await run("activations", "--config", "activations.toml", "--json");
    const nothingLeft = { dir: made.shards, images: 12, skipped: [], resumed_at: 12, waiting_for: [] };
    expect(JSON.parse(again.stdout)).toEqual(nothingLeft);
    expect(hashes(at(made.shards))).toEqual(before);
  });

  test("train: a sweep on one pass, progress as JSON lines, a table of the runs", async () => {
    writeFileSync(
      at("sweep.toml"),
      "[sae]\nexp_factor = [2, 4]\n[objective]\nsparsity_coeff = [1e-3, 4e-3]\n",
    );
    const line = [
      "train",
      "--config",
      "train.toml",
      "--data.shard-root",
      made.shards,
      "--sweep",
      "sweep.toml",
    ];
    const dry = await run(...line, "--dry-run");
    expect(dry.stdout).toMatch(/^trains +4 SAEs in 1 round;/m);
    expect(dry.stdout).toMatch(/^memory +[\d.]+ MB: parameters [\d.]+ MB, moments /m);
    expect(dry.stdout).toMatch(/^time +about \d+:\d\d, from a few steps measured here/m);
    const limit = await memoryOfOneRound(line, 4);
    const less = await run(...line, "--dry-run", "--memory", `${limit - 1}B`, "--json");
    const plan = JSON.parse(less.stdout) as Plan;
    expect(plan.memory_limit).toBe(limit - 1);
    expect(plan.rounds.length).toBeGreaterThan(1);
    expect(plan.rounds.flatMap(({ saes }) => saes)).toHaveLength(4);
    for (const { steps, seconds, memory } of plan.rounds) {
      expect(memory.total).toBeLessThan(limit);
      expect(steps).toBeGreaterThan(40);
      expect(seconds).toBeGreaterThan(0);
    }
    const none = await run(...line, "--memory", "6KB");
    expect([none.code, none.stderr]).toEqual([
      1,
      expect.stringMatching(/^saev: OUT_OF_MEMORY: training an SAE of 256 latents of width 128 takes /m),
    ]);
    expect((await run(...line, "--memory", "much")).stderr).toMatch(
      /--memory: expected a size such as "16GB" or "900MB", found "much"/,
    );
    expect(existsSync(at("checkpoints"))).toBe(false);

    const { code, stdout, stderr } = await runAlone(...line, "--log-format", "json");
    expect(code).toBe(0);
    const runs = JSON.parse(stdout) as {
      run_id: string;
      dir: string;
      d_sae: number;
      evaluation: Record<string, number>;
    }[];
    expect(runs.map((r) => r.d_sae)).toEqual([256, 256, 512, 512]);
    for (const { run_id, dir, evaluation } of runs) {
      expect(path.basename(dir)).toBe(run_id);
      for (const file of ["sae.pt", "config.json", "metrics.jsonl"])
        expect(existsSync(at(dir, file))).toBe(true);
      expect(evaluation.l0).toBeGreaterThan(0);
      expect(evaluation.mse).toBeGreaterThan(0);
    }
    const events = stderr
      .trim()
      .split("\n")
      .map((text) => JSON.parse(text) as Record<string, unknown>);
    expect(events.filter((e) => e.event === "end").map((e) => [e.label, e.finished])).toEqual([
      ["training", true],
      ["evaluating", true],
    ]);
    expect(events).toContainEqual(
      expect.objectContaining({
        event: "note",
        message: expect.stringMatching(/^track: metrics are kept in/),
      }),
    );
    for (const message of [/^4 SAEs in 1 round/, /^memory: [\d.]+ MB: parameters /]) {
      expect(events).toContainEqual(
        expect.objectContaining({ event: "note", message: expect.stringMatching(message) }),
      );
    }
    made.checkpoint = path.join(runs[0]!.dir, "sae.pt");

    const text = await run(
      "train",
      "--config",
      "train.toml",
      "--data.shard-root",
      made.shards,
      "--no-track",
      "--sae.seed",
      "3",
    );
    const [head, row] = text.stdout.split("\n") as [string, string];
    expect(head.split(/ {2,}/)).toEqual([
      "run",
      "d_sae",
      "sparsity",
      "L0",
      "MSE",
      "explained variance",
      "dead",
    ]);
    expect(row.split(/ {2,}/)).toHaveLength(7);
    expect(row).toMatch(/^\S+ +256 +0\.0004 /);
    expect(text.stderr).not.toContain("track:");
  });

  test("train: a run that diverges fails the command and is named, the other is trained; rounds; halving", async () => {
    const line = [
      "train",
      "--config",
      "train.toml",
      "--data.shard-root",
      made.shards,
      "--ckpt-path",
      "other",
    ];
    writeFileSync(at("rates.toml"), "lr = [1e12, 1e-3]\n");
    const bad = await runAlone(...line, "--sweep", "rates.toml", "--n-lr-warmup", "0");
    expect(bad.code).toBe(1);
    const [, id] = /1 of 2 runs dropped, as the loss was not finite: (\S+)$/m.exec(bad.stderr)!;
    expect(bad.stdout).toMatch(
      new RegExp(`^${id} was dropped: step \\d+: the loss of run ${id} is not finite`, "m"),
    );
    expect(bad.stdout).toMatch(/^steps waited for data in \S+ % of the 0:\d\d of training$/m);
    expect(bad.stdout).toMatch(/^checkpoints were written once, in [\d.]+ % of the 0:\d\d of training$/m);
    // The same command says it again.
    expect((await run(...line, "--sweep", "rates.toml", "--n-lr-warmup", "0")).code).toBe(1);

    writeFileSync(at("sizes.toml"), "[sae]\nexp_factor = [1, 2, 3]\n");
    const sizes = [...line, "--sweep", "sizes.toml"];
    const limit = await memoryOfOneRound(sizes, 3);
    const rounds = await run(...sizes, "--memory", `${limit - 1}B`);
    expect(rounds.stderr).toMatch(/3 SAEs in [23] rounds/);
    expect([rounds.code, rounds.stdout]).toEqual([0, expect.stringContaining("3 runs in:")]);

    const halved = await run(...line, "--sweep", "sizes.toml", "--halving", "mse", "--lr", "2e-3");
    expect(halved.code).toBe(0);
    expect(halved.stdout.match(/was stopped early: mse is among the worst/g)).toHaveLength(2);
    for (const [words, message] of [
      [["--halving", "loss"], '--halving: expected mse, l0, dead or frontier, found "loss"'],
      [["--halving-rate", "3"], "--halving-rate: only has a meaning with --halving METRIC"],
      [["--halving", "mse", "--halving-rate", "1"], "expected a whole number of at least 2, found 1"],
    ] as const) {
      const wrong = await run(...line, ...words);
      expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining(message)]);
    }
  });

  test("visuals: a gallery, and info about all that was made", async () => {
    const line = [
      "visuals",
      "--ckpt",
      made.checkpoint,
      "--data.shard-root",
      made.shards,
      "--data.n-random-samples",
      "500",
    ];
    const more = [
      "--device",
      "cpu",
      "--top-k",
      "4",
      "--n-latents",
      "5",
      "--n-workers",
      "2",
      "--log-freq-range",
      "-6",
      "0",
    ];
    const images = ["images:image-folder-dataset", "--images.root", "few"];
    const dry = await run(...line, ...more, ...images, "--dry-run");
    expect(dry.stdout).toMatch(/^folder +\.\/data\/sort_by_patch$/m);
    expect(existsSync(at("data"))).toBe(false);

    const { code, stdout } = await runAlone(...line, ...more, ...images, "--quiet");
    expect(code).toBe(0);
    expect(path.normalize(stdout)).toBe("data/sort_by_patch/index.html\n");
    expect(readFileSync(at(stdout.trim()), "utf8")).toContain("<html");

    for (const [what, kind] of [
      [made.shards, "shard-folder"],
      [made.checkpoint, "sae"],
      [path.dirname(made.checkpoint), "run"],
      ["data/sort_by_patch", "visuals"],
      ["checkpoints", "collection"],
    ] as const) {
      const info = JSON.parse((await run("info", what, "--json")).stdout) as Record<string, unknown>;
      expect(info).toMatchObject({ kind, problems: [] });
    }
  });
}
