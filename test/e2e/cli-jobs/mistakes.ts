import { cpSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { at, folder, made, run } from "./workspace.js";

/** One line and nothing written, whatever is wrong. */
export function whatGoesWrong(): void {
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
    const { code, stdout, stderr } = await run(
      ...args.map((word) => (word === "SHARDS" ? made.shards : word)),
    );
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
}
