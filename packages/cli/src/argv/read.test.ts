import { Activations, flagTable, Train, Visuals } from "@saev/config";
import { describe, expect, test } from "vitest";
import { file, helpOption, oneOf } from "./option.js";
import { type Grammar, readWords } from "./read.js";

const options = [
  helpOption,
  file("config", "."),
  file("sweep", "."),
  oneOf("log-format", ["text", "json"], "."),
];
const grammars: Record<string, Grammar> = {
  train: { table: flagTable(Train), options },
  activations: { table: flagTable(Activations), options },
  visuals: { table: flagTable(Visuals), options },
  info: { options: [helpOption], positionals: ["PATH"] },
};

/** Reads a line as a shell would split it. */
function read(line: string) {
  const [command, ...words] = line.split(" ");
  const result = readWords(grammars[command!]!, words);
  return {
    set: Object.fromEntries(result.settings.map((s) => [s.path, s.value])),
    kinds: Object.fromEntries(result.kinds),
    options: Object.fromEntries(result.options),
    positionals: result.positionals,
    mistakes: result.mistakes,
  };
}

describe("what users of the Python package type", () => {
  test.each<[line: string, set: object, kinds?: object]>([
    ["train --sae.exp-factor 8", { "sae.exp_factor": 8 }],
    ["train --sae.exp-factor=8", { "sae.exp_factor": 8 }],
    ["train --sae.exp_factor=8", { "sae.exp_factor": 8 }],
    ["train --sae.exp_factor 8", { "sae.exp_factor": 8 }],
    ["train --n-patches 1e8", { n_patches: 1e8 }],
    ["train --n-patches 100_000_000 --lr 4e-4", { n_patches: 1e8, lr: 4e-4 }],
    ["train --lr 1 --lr=.5", { lr: 0.5 }],
    ["train --track", { track: true }],
    ["train --no-track", { track: false }],
    ["train --no_track", { track: false }],
    ["train --track False", { track: false }],
    ["train --track=true", { track: true }],
    ["train sae:relu --sae.no-normalize-w-dec", { "sae.normalize_w_dec": false }, { sae: "relu" }],
    ["train --data.layer -2", { "data.layer": -2 }],
    ["train --data.layer=-2", { "data.layer": -2 }],
    ["train --data.layer meanpool", { "data.layer": "meanpool" }],
    ["train --data.no-scale-mean", { "data.scale_mean": false }],
    ["train --data.scale-mean", { "data.scale_mean": true }],
    ["train --data.scale-mean False", { "data.scale_mean": false }],
    ["train --data.scale-mean mean.pt", { "data.scale_mean": "mean.pt" }],
    ["train --data.scale-mean sae:relu", { "data.scale_mean": true }, { sae: "relu" }],
    ["train --data.clamp inf", { "data.clamp": Infinity }],
    ["train --tag sae:relu", { tag: "sae:relu" }],
    ["train --tag=--x", { tag: "--x" }],
    ["train --tag=", { tag: "" }],
    ["train --tag=a=b", { tag: "a=b" }],
    ["train sae:jump-relu", {}, { sae: "jump-relu" }],
    [
      "train --lr 1e-3 sae:relu --sae.exp-factor 8 objective:matryoshka --objective.n-prefixes 3",
      { lr: 1e-3, "sae.exp_factor": 8, "objective.n_prefixes": 3 },
      { sae: "relu", objective: "matryoshka" },
    ],
    [
      "train objective:vanilla --objective.sparsity-coeff 1e-4 sae:relu --lr 2",
      { lr: 2, "objective.sparsity_coeff": 1e-4 },
      { objective: "vanilla", sae: "relu" },
    ],
    ["activations --n-patches-per-shard 2_400_000", { n_patches_per_shard: 2_400_000 }],
    ["activations --vit-layers -2 -1", { vit_layers: [-2, -1] }],
    ["activations --vit-layers=-2", { vit_layers: [-2] }],
    ["activations --vit-layers", { vit_layers: [] }],
    [
      "activations --vit-layers -2 -1 data:image-folder-dataset --data.root imgs --ssl",
      { vit_layers: [-2, -1], "data.root": "imgs", ssl: true },
      { data: "image-folder-dataset" },
    ],
    [
      "activations data:imagenet-dataset --data.split test",
      { "data.split": "test" },
      { data: "imagenet-dataset" },
    ],
    ["activations --data.root imgs", { "data.root": "imgs" }],
    ["activations --no-cls-token --device cpu", { cls_token: false, device: "cpu" }],
    ["visuals --log-freq-range -6 -2", { log_freq_range: [-6, -2] }],
    ["visuals --log-freq-range -inf -2.5e0", { log_freq_range: [-Infinity, -2.5] }],
    ["visuals --include-latents 1 2 3 --top-k 4", { include_latents: [1, 2, 3], top_k: 4 }],
    [
      "visuals --ckpt a/sae.pt images:ade20k-dataset --images.split validation",
      { ckpt: "a/sae.pt", "images.split": "validation" },
      { images: "ade20k-dataset" },
    ],
  ])("%s", (line, set, kinds = {}) => {
    const found = read(line);
    expect(found.mistakes).toEqual([]);
    expect(found.set).toEqual(set);
    expect(found.kinds).toEqual(kinds);
  });
});

test("options of the command stand among the flags", () => {
  expect(read("train --sweep s.toml --lr 1 -h --log-format json")).toMatchObject({
    set: { lr: 1 },
    options: { sweep: "s.toml", help: true, "log-format": "json" },
    mistakes: [],
  });
  expect(read("info -- -odd-name")).toMatchObject({ positionals: ["-odd-name"], mistakes: [] });
});

describe("mistakes", () => {
  test.each<[line: string, mistakes: string[]]>([
    ["train --exp-factor 8", ["--exp-factor: no such flag; did you mean --sae.exp-factor?"]],
    ["train --sae.exp_facter 8", ["--sae.exp_facter: no such flag; did you mean --sae.exp-factor?"]],
    ["train --lrr 8", ["--lrr: no such flag; did you mean --lr?"]],
    [
      "train --no-sae.normalize-w-dec",
      ["--no-sae.normalize-w-dec: no such flag; did you mean --sae.normalize-w-dec?"],
    ],
    [
      "train --sae 5",
      ["--sae: no such flag; did you mean sae:relu, sae:jump-relu, sae:top-k, sae:batch-top-k or sae:gated?"],
    ],
    ["train --root x", ["--root: no such flag; did you mean --images.root?"]],
    ["train --data.root x", ["--data.root: no such flag; did you mean --images.root?"]],
    [
      "train --batch-size 8",
      ["--batch-size: no such flag; did you mean --data.vit-batch-size or --sae-batch-size?"],
    ],
    ["train  --lr 1", ['"": unexpected word']],
    ["train --zzzzzz 1 2", ["--zzzzzz: no such flag"]],
    ["train --lr fast", ['--lr: expected a number >= 0, found "fast"']],
    ["train --lr", ["--lr: expected a number >= 0, found nothing"]],
    ["train --n-patches 1.5", ['--n-patches: expected an integer >= 1, found "1.5"']],
    ["train --n-patches 1__0", ['--n-patches: expected an integer >= 1, found "1__0"']],
    ["train --device gpu", ['--device: expected "cuda" or "cpu", found "gpu"; did you mean "cpu"?']],
    ["train --no-track=true", ['--no-track: takes no value, found "true"']],
    ["train --track maybe", ["maybe: unexpected word"]],
    [
      "train --tag -x",
      [
        `--tag: expected a string, found nothing; write --tag=VALUE when it begins with "-"`,
        "-x: no such flag",
      ],
    ],
    ["train sae:rleu", ["sae:rleu: no such subcommand; did you mean sae:relu?"]],
    [
      "train sae:tanh",
      [
        "sae:tanh: no such subcommand; did you mean sae:relu, sae:jump-relu, sae:top-k, sae:batch-top-k or sae:gated?",
      ],
    ],
    ["train sae:relu sae:jump-relu", ["sae:jump-relu: sae:relu was chosen before; give one of the two"]],
    [
      "train sae:jump-relu --sae.top-k 8",
      ["--sae.top-k: belongs to sae:top-k or sae:batch-top-k, and sae:jump-relu was chosen"],
    ],
    [
      "activations data:imagenet-dataset --data.root x",
      [
        "--data.root: belongs to data:image-folder-dataset or data:ade20k-dataset, and data:imagenet-dataset was chosen",
      ],
    ],
    [
      "activations image-folder-dataset",
      ["image-folder-dataset: unexpected word; did you mean data:image-folder-dataset?"],
    ],
    ["activations --vit-layers -2 a", ['--vit-layers: expected a list of integers, found "a"']],
    [
      "visuals --log-freq-range -6",
      ['--log-freq-range: expected two numbers, the lower one first, found "-6"'],
    ],
    [
      "visuals --sort-by imgs",
      ['--sort-by: expected "cls", "img" or "patch", found "imgs"; did you mean "img"?'],
    ],
    ["info", ["PATH: is missing"]],
    ["info a b", ["b: unexpected word"]],
    [
      "train --lr fast --n-ptches 3 --device gpu sae:rleu",
      [
        '--lr: expected a number >= 0, found "fast"',
        "--n-ptches: no such flag; did you mean --n-patches?",
        '--device: expected "cuda" or "cpu", found "gpu"; did you mean "cpu"?',
        "sae:rleu: no such subcommand; did you mean sae:relu?",
      ],
    ],
  ])("%s", (line, mistakes) => {
    expect(read(line).mistakes).toEqual(mistakes);
  });
});

test("members of a union that share a flag read it alike, so it may come before the subcommand", () => {
  for (const { table } of Object.values(grammars)) {
    for (const { members } of table?.unions ?? []) {
      const arities = new Map<string, unknown>();
      for (const flag of members.flatMap((m) => m.flags)) {
        expect(arities.get(flag.flag) ?? flag.arity).toBe(flag.arity);
        arities.set(flag.flag, flag.arity);
      }
    }
  }
});
