/** The three jobs through the real command, on pictures and a model that ship with the repository. */
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HubServer } from "../../packages/core-native/src/hub/testing/hub-server.js";
import { compile, type Ended, root, saev, saevHere, saevOnTerminal } from "./saev.js";

const folder = mkdtempSync(path.join(tmpdir(), "saev-jobs-"));
const at = (...parts: string[]): string => path.join(folder, ...parts);
const photographs = path.join(root, "examples/data/pictures");
const run = (...args: string[]) => saevHere(args, { cwd: folder });
/** In a process of its own, as people run it. */
const runAlone = (...args: string[]) => saev(args, { cwd: folder });

/** Files under a folder, with a hash of each. */
function hashes(dir: string): Record<string, string> {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files
      .map((entry) => path.join(entry.parentPath, entry.name))
      .sort()
      .map((file) => [
        path.relative(dir, file),
        createHash("sha256").update(readFileSync(file)).digest("hex"),
      ]),
  );
}

/** Copies the first `n` pictures, class folders and all. */
function pictures(to: string, n: number): void {
  const files = readdirSync(photographs, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".jpg"))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort()
    .slice(0, n);
  expect(files).toHaveLength(n);
  for (const file of files) {
    const target = path.join(to, path.basename(path.dirname(file)), path.basename(file));
    mkdirSync(path.dirname(target), { recursive: true });
    cpSync(file, target);
  }
}

beforeAll(() => {
  compile();
  pictures(at("few"), 12);
  pictures(at("many"), 160);
  writeFileSync(
    at("activations.toml"),
    `vit_ckpt = "${path.join(root, "examples/data/models/clip-demo")}"
d_vit = 128
n_patches_per_img = 100
vit_batch_size = 4
n_patches_per_shard = 3_000
n_workers = 2
device = "cpu"
data = { kind = "image-folder-dataset", root = "few" }
`,
  );
  writeFileSync(
    at("train.toml"),
    `n_workers = 1
n_patches = 6_000
sae_batch_size = 128
n_lr_warmup = 5
log_every = 5
device = "cpu"
data = { n_random_samples = 500 }
sae = { kind = "relu", d_vit = 128, exp_factor = 2, n_reinit_samples = 500 }
`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let shards = "";
let checkpoint = "";

describe("from pictures to a gallery", () => {
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
    shards = first.stdout.trim();
    const before = hashes(at(shards));

    const again = await run("activations", "--config", "activations.toml", "--json");
    const nothingLeft = { dir: shards, images: 12, skipped: [], resumed_at: 12, waiting_for: [] };
    expect(JSON.parse(again.stdout)).toEqual(nothingLeft);
    expect(hashes(at(shards))).toEqual(before);
  });

  test("train: a sweep on one pass, progress as JSON lines, a table of the runs", async () => {
    writeFileSync(
      at("sweep.toml"),
      "[sae]\nexp_factor = [2, 4]\n[objective]\nsparsity_coeff = [1e-3, 4e-3]\n",
    );
    const line = ["train", "--config", "train.toml", "--data.shard-root", shards, "--sweep", "sweep.toml"];
    const dry = await run(...line, "--dry-run");
    expect(dry.stdout).toMatch(/^trains +4 SAEs in 1 round;/m);
    expect(dry.stdout).toMatch(/^memory +[\d.]+ MB: parameters [\d.]+ MB, moments /m);
    expect(dry.stdout).toMatch(/^time +about \d+:\d\d, from a few steps measured here/m);
    const less = await run(...line, "--dry-run", "--memory", "4MB", "--json");
    const plan = JSON.parse(less.stdout) as {
      memory_limit: number;
      rounds: { saes: object[]; steps: number; seconds: number; memory: { total: number } }[];
    };
    expect(plan.memory_limit).toBe(4e6);
    expect(plan.rounds.length).toBeGreaterThan(1);
    expect(plan.rounds.flatMap(({ saes }) => saes)).toHaveLength(4);
    for (const { steps, seconds, memory } of plan.rounds) {
      expect(memory.total).toBeLessThan(4e6);
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
    checkpoint = path.join(runs[0]!.dir, "sae.pt");

    const text = await run(
      "train",
      "--config",
      "train.toml",
      "--data.shard-root",
      shards,
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
    const line = ["train", "--config", "train.toml", "--data.shard-root", shards, "--ckpt-path", "other"];
    writeFileSync(at("rates.toml"), "lr = [1e12, 1e-3]\n");
    const bad = await runAlone(...line, "--sweep", "rates.toml", "--n-lr-warmup", "0");
    expect(bad.code).toBe(1);
    const [, id] = /1 of 2 runs dropped, as the loss was not finite: (\S+)$/m.exec(bad.stderr)!;
    expect(bad.stdout).toMatch(
      new RegExp(`^${id} was dropped: step \\d+: the loss of run ${id} is not finite`, "m"),
    );
    expect(bad.stdout).toMatch(/^checkpoints were written once, in [\d.]+ % of the 0:\d\d of training$/m);
    // The same command says it again.
    expect((await run(...line, "--sweep", "rates.toml", "--n-lr-warmup", "0")).code).toBe(1);

    writeFileSync(at("sizes.toml"), "[sae]\nexp_factor = [1, 2, 3]\n");
    const rounds = await run(...line, "--sweep", "sizes.toml", "--memory", "2.5MB");
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
      checkpoint,
      "--data.shard-root",
      shards,
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
      [shards, "shard-folder"],
      [checkpoint, "sae"],
      [path.dirname(checkpoint), "run"],
      ["data/sort_by_patch", "visuals"],
      ["checkpoints", "collection"],
    ] as const) {
      const info = JSON.parse((await run("info", what, "--json")).stdout) as Record<string, unknown>;
      expect(info).toMatchObject({ kind, problems: [] });
    }
  });
});

test("activations: a model of the hub is downloaded, and the download is shown", async () => {
  const files = Object.fromEntries(
    ["open_clip_config.json", "open_clip_model.safetensors"].map((name) => [
      name,
      readFileSync(path.join(root, "examples/data/models/clip-demo", name)),
    ]),
  );
  const hub = await HubServer.start({ "me/clip": { commit: "c".repeat(40), files } });
  try {
    const line = ["activations", "--config", "activations.toml", "--vit-ckpt", "hf-hub:me/clip"];
    const { code, stderr } = await saev([...line, "--dump-to", "from-hub", "--log-format", "json"], {
      cwd: folder,
      env: { HF_ENDPOINT: hub.url, HF_HOME: at("hf"), HF_HUB_CACHE: undefined, HF_HUB_OFFLINE: undefined },
    });
    const events = stderr
      .trim()
      .split("\n")
      .map((text) => JSON.parse(text) as Record<string, unknown>);
    expect(events.filter(({ event }) => event === "end")).toEqual([
      expect.objectContaining({
        label: "downloading open_clip_model.safetensors",
        done: 6,
        total: 6,
        unit: "MB",
      }),
      expect.objectContaining({ label: "recording", done: 12, total: 12, finished: true }),
    ]);
    expect(code).toBe(0);
  } finally {
    await hub.stop();
  }
});

describe("what goes wrong", () => {
  test("a bad picture stops the job and is named; with --on-bad-image skip its place stays empty", async () => {
    cpSync(at("few"), at("torn"), { recursive: true });
    const [category] = readdirSync(at("torn")) as [string];
    const bad = path.join("torn", category, "aaa.jpg");
    writeFileSync(at(bad), "no picture");
    const line = [
      "activations",
      "--config",
      "activations.toml",
      "--data.root",
      "torn",
      "--dump-to",
      "torn-shards",
    ];
    const stopped = await run(...line);
    expect(stopped.code).toBe(1);
    expect(stopped.stdout).toBe("");
    expect(stopped.stderr).toMatch(/^saev: BAD_FILE: .*aaa\.jpg/m);

    const skipped = await run(...line, "--on-bad-image", "skip", "--json");
    expect(skipped.code).toBe(0);
    expect(JSON.parse(skipped.stdout)).toMatchObject({
      images: 13,
      skipped: [{ index: 0, path: expect.stringContaining("aaa.jpg") }],
    });
    expect(skipped.stderr).toContain("warning: 1 image could not be read");
  });

  test.each<[name: string, args: string[], message: RegExp]>([
    ["no shards", ["train", "--data.shard-root", "nowhere"], /^saev: NOT_FOUND: .*nowhere/m],
    ["no shards, dry", ["train", "--data.shard-root", "nowhere", "--dry-run"], /^saev: NOT_FOUND: .*nowhere/],
    [
      "a width that is not the data's",
      ["train", "--data.shard-root", "SHARDS", "--sae.d-vit", "1024", "--dry-run"],
      /^saev: SHAPE_MISMATCH: sae\.d_vit: expected 128/,
    ],
    [
      "no pictures",
      ["activations", "--dry-run", "--data.root", "nowhere"],
      /^saev: NOT_FOUND: data\.root: .*nowhere/,
    ],
    [
      "a shard too small",
      ["activations", "--dry-run", "--data.root", "few", "--n-patches-per-shard", "5"],
      /^saev: INVALID_ARGUMENT: n_patches_per_shard: expected at least 257/,
    ],
    [
      "no SAE",
      ["visuals", "--dry-run", "--data.shard-root", "SHARDS", "--images.root", "few"],
      /^saev: NOT_FOUND: ckpt: /,
    ],
    [
      "no model",
      ["activations", "--data.root", "few", "--vit-ckpt", "nowhere"],
      /^saev: [A-Z_]+: .*nowhere/m,
    ],
  ])("%s: one line, exit code 1, nothing written", async (_, args, message) => {
    const before = readdirSync(folder);
    const { code, stdout, stderr } = await run(...args.map((word) => (word === "SHARDS" ? shards : word)));
    expect(stderr).toMatch(message);
    expect(stdout).toBe("");
    expect(code).toBe(1);
    expect(readdirSync(folder)).toEqual(before);
  });

  test("several mistakes come together, with exit code 2", async () => {
    const { code, stdout, stderr } = await run(
      "train",
      "--lr",
      "fast",
      "--exp-factor",
      "8",
      "sae:rleu",
      "--n-hours",
      "3",
    );
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toBe(
      `saev train: 4 mistakes
  --lr: expected a number >= 0, found "fast"
  --exp-factor: no such flag; did you mean --sae.exp-factor?
  sae:rleu: no such subcommand; did you mean sae:relu?
  n_hours = 3 is not supported: it only concerns Slurm jobs, and jobs run on this machine only; leave it out
See: saev train --help
`,
    );
  });
});

describe("Ctrl-C", () => {
  // A second may be over on a machine that does much else: such a test may try again.
  const again = { retry: 2 };

  /** Presses Ctrl-C when the terminal shows `when`; gives the end and the seconds from the key to it. */
  async function interrupted(args: readonly string[], when: RegExp): Promise<Ended & { seconds: number }> {
    let pressed = 0;
    const ended = await saevOnTerminal(args, {
      cwd: folder,
      onOutput: (seen, type) => {
        if (pressed > 0 || !when.test(stripVTControlCharacters(seen))) return;
        pressed = performance.now();
        type("\u0003");
      },
    });
    expect(pressed).toBeGreaterThan(0);
    return { ...ended, seconds: (performance.now() - pressed) / 1000 };
  }

  test(
    "activations: stops within a second, goes on later with a bar, and ends with the same bytes",
    again,
    async () => {
      for (const name of ["stopped", "undisturbed"]) rmSync(at(name), { recursive: true, force: true });
      const line = ["activations", "--config", "activations.toml", "--data.root", "many"];
      const ended = await interrupted([...line, "--dump-to", "stopped"], /recording .* [1-9]\d*\/160 images/);
      const text = stripVTControlCharacters(ended.stdout);
      expect(ended.code).toBe(130);
      expect(text).toContain("stopping; Ctrl-C again stops at once");
      expect(text).toMatch(
        /saev: INTERRUPTED: stopped by SIGINT; whole batches are kept: run the same command again/,
      );
      expect(ended.seconds).toBeLessThan(1);
      const [dir] = readdirSync(at("stopped")) as [string];
      const info = JSON.parse((await run("info", path.join("stopped", dir), "--json")).stdout) as {
        complete: boolean;
        images_done: number;
      };
      expect(info.complete).toBe(false);

      expect(info.images_done).toBeGreaterThan(0);
      expect(info.images_done).toBeLessThan(160);

      const env = { LANG: "C.UTF-8" };
      const rest = await saevOnTerminal([...line, "--dump-to", "stopped"], { cwd: folder, env });
      expect(rest.code).toBe(0);
      const shown = stripVTControlCharacters(rest.stdout);
      expect(shown).toMatch(
        /recording {2}█+░+ {2} ?\d+% {2}\d+\/160 images {2}[\d.]+ images\/s {2}0:\d\d left/,
      );
      expect(shown).toMatch(/recording: 160 images in 0:\d\d/);
      expect((await run(...line, "--dump-to", "undisturbed", "--quiet")).code).toBe(0);
      expect(hashes(at("stopped"))).toEqual(hashes(at("undisturbed")));
    },
  );

  test("train: stops within a second, keeps the state so far", again, async () => {
    for (const name of ["long"]) rmSync(at(name), { recursive: true, force: true });
    const line = [
      "train",
      "--config",
      "train.toml",
      "--data.shard-root",
      shards,
      "--n-patches",
      "100_000_000",
      "--ckpt-path",
      "long",
    ];
    const ended = await interrupted(line, /training .* [1-9][\d,]*\/[\d,]+ steps/);
    const text = stripVTControlCharacters(ended.stdout);
    expect(ended.code).toBe(130);
    expect(ended.seconds).toBeLessThan(1);
    expect(text).toMatch(/stopped after \d+ steps; the state so far is in long/);
    const [runId] = readdirSync(at("long")) as [string];
    expect(JSON.parse((await run("info", path.join("long", runId), "--json")).stdout)).toMatchObject({
      kind: "run",
      sae: { d_sae: 256 },
      problems: [],
    });
  });

  test("visuals: stops within a second and leaves no half a gallery", again, async () => {
    for (const name of ["half"]) rmSync(at(name), { recursive: true, force: true });
    const line = [
      "visuals",
      "--ckpt",
      checkpoint,
      "--data.shard-root",
      shards,
      "--data.n-random-samples",
      "500",
      "--top-k",
      "12",
    ];
    const more = [
      "--device",
      "cpu",
      "--n-latents",
      "200",
      "--n-workers",
      "1",
      "--log-freq-range",
      "-6",
      "1",
      "--dump-to",
      "half",
    ];
    const images = ["images:image-folder-dataset", "--images.root", "few"];
    const ended = await interrupted(
      [...line, ...more, ...images],
      /drawing .*\d+\/\d+ images|ranking .*activations/,
    );
    expect(ended.code).toBe(130);
    expect(ended.seconds).toBeLessThan(1);
    expect(existsSync(at("half/sort_by_patch"))).toBe(false);
  });

  test("SIGTERM to a process without a terminal does the same, with its own exit code", async () => {
    const line = [
      "activations",
      "--config",
      "activations.toml",
      "--data.root",
      "many",
      "--dump-to",
      "terminated",
    ];
    const ended = await saev(line, {
      cwd: folder,
      started: (child) => {
        const once = setInterval(() => {
          if (!existsSync(at("terminated"))) return;
          clearInterval(once);
          child.kill("SIGTERM");
        }, 5);
      },
    });
    expect(ended.code).toBe(143);
    expect(ended.stderr).toMatch(/saev: INTERRUPTED: stopped by SIGTERM; whole batches are kept/);
  });

  test("a second one stops at once, whatever the work does", async () => {
    const program = at("stubborn.mjs");
    const interrupt = new URL("../../packages/cli/dist/interrupt.js", import.meta.url);
    writeFileSync(
      program,
      `import { interruptible } from ${JSON.stringify(interrupt.href)};
       const work = () => new Promise((resolve) => setTimeout(resolve, 60_000));
       setTimeout(() => process.kill(process.pid, "SIGINT"), 10);
       await interruptible(work, () => process.kill(process.pid, "SIGINT"));`,
    );
    const start = performance.now();
    const { spawnSync } = await import("node:child_process");
    expect(spawnSync(process.execPath, [program]).status).toBe(130);
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});
