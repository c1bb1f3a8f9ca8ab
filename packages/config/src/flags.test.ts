import { expect, test } from "vitest";
import { Activations, Evaluate, flagTable, Inference, Train, Visuals } from "./index.js";

test("every leaf of Train is a flag, unions are subcommands with their own", () => {
  const table = flagTable(Train);
  expect(table.flags.map((f) => f.flag)).toEqual([
    "--data.shard-root",
    "--data.patches",
    "--data.layer",
    "--data.clamp",
    "--data.n-random-samples",
    "--data.scale-mean",
    "--data.scale-norm",
    "--data.live",
    "--data.vit-family",
    "--data.vit-ckpt",
    "--data.vit-layers",
    "--data.vit-batch-size",
    "--data.compute-dtype",
    "--val-data.shard-root",
    "--val-fraction",
    "--val-seed",
    "--n-val",
    "--eval-every",
    "--n-workers",
    "--buffer",
    "--n-patches",
    "--n-sparsity-warmup",
    "--lr",
    "--n-lr-warmup",
    "--lr-schedule",
    "--optimizer",
    "--weight-decay",
    "--grad-clip",
    "--sae-batch-size",
    "--track",
    "--wandb-project",
    "--tag",
    "--log-every",
    "--init-from",
    "--checkpoint-minutes",
    "--checkpoint-every",
    "--checkpoint-keep",
    "--ckpt-path",
    "--device",
    "--screening",
    "--encoder-precision",
    "--seed",
    "--slurm-acct",
    "--slurm-partition",
    "--n-hours",
    "--log-to",
  ]);
  expect(table.unions.map((u) => u.members.map((m) => m.subcommand))).toEqual([
    table.unions[0]!.members.map(({ kind }) => `images:${kind}`),
    ["sae:relu", "sae:jump-relu", "sae:top-k", "sae:batch-top-k", "sae:gated"],
    ["objective:vanilla", "objective:matryoshka"],
  ]);
  expect(table.unions[1]!.members[0]!.flags.map((f) => f.path)).toContain("sae.exp_factor");
  expect(table.unions[2]!.members.map((m) => m.isDefault)).toEqual([true, false]);
});

test("a flag knows its type, default, choices, words and negation", () => {
  const { flags } = flagTable(Visuals);
  const flag = (path: string) => flags.find((f) => f.path === path)!;
  expect(flag("log_freq_range")).toMatchObject({
    type: "range",
    arity: 2,
    default: [-6, -2],
    metavar: "FLOAT FLOAT",
  });
  expect(flag("include_latents")).toMatchObject({ type: "ints", arity: "any", default: [] });
  expect(flag("sort_by")).toMatchObject({ choices: ["cls", "img", "patch"], metavar: "{cls,img,patch}" });
  expect(flag("data.scale_mean")).toMatchObject({ type: "path-switch", negation: "--data.no-scale-mean" });
  expect(flag("top_k")).toMatchObject({ arity: 1, expected: "an integer >= 1", group: "selection" });
  expect(flagTable(Activations).flags.find((f) => f.path === "cls_token")).toMatchObject({
    arity: 0,
    metavar: "",
    negation: "--no-cls-token",
  });
});

test("every flag has words for help, and the datasets are the members of data", () => {
  for (const schema of [Activations, Train, Visuals, Inference, Evaluate]) {
    const table = flagTable<unknown>(schema as never);
    const members = table.unions.flatMap((u) => u.members);
    for (const flag of [...table.flags, ...members.flatMap((m) => m.flags)]) {
      expect(flag.doc, flag.path).toMatch(/^[A-Z].*\.$/s);
      expect(flag.default, flag.path).toBeDefined();
    }
    for (const m of members) expect(m.doc).toMatch(/\.$/);
  }
  expect(flagTable(Activations).unions[0]!.members.map((m) => m.subcommand)).toEqual([
    "data:imagenet-dataset",
    "data:image-folder-dataset",
    "data:ade20k-dataset",
    "data:webdataset-dataset",
    "data:list-dataset",
    "data:glob-dataset",
  ]);
});
