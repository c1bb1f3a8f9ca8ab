import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Activations, flagTable, type Train } from "@saev/config";
import { afterAll, describe, expect, test } from "vitest";
import { readWords } from "../argv/read.js";
import { UsageError } from "../errors.js";
import { activationsJob } from "./activations.js";
import { assemble } from "./assemble.js";
import { jobOptions } from "./job.js";
import { runJob } from "./run-job.js";
import { trainJob } from "./train.js";

const folder = mkdtempSync(path.join(tmpdir(), "saev-assemble-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fromFile(file: object, line: string) {
  const table = flagTable(Activations);
  const words = readWords(
    { table, options: jobOptions },
    line.split(" ").filter((w) => w !== ""),
  );
  return assemble(Activations, table, words, { path: "a.toml", value: file as Record<string, unknown> });
}

describe("a file's union and the command line's", () => {
  test.each<[file: object, line: string, data: object]>([
    [{ data: { kind: "image-folder-dataset", root: "a" } }, "", { kind: "image-folder-dataset", root: "a" }],
    [{ data: { root: "a" } }, "", { kind: "image-folder-dataset", root: "a" }],
    [
      { data: { kind: "image-folder-dataset", root: "a" } },
      "--data.root b",
      { kind: "image-folder-dataset", root: "b" },
    ],
    [
      { data: { kind: "ade20k-dataset", root: "a" } },
      "--data.split validation",
      { kind: "ade20k-dataset", root: "a", split: "validation" },
    ],
    // The same kind keeps what the file says, another one starts from its defaults.
    [
      { data: { kind: "ade20k-dataset", root: "a" } },
      "data:ade20k-dataset",
      { kind: "ade20k-dataset", root: "a", split: "training" },
    ],
    [
      { data: { kind: "ade20k-dataset", root: "a" } },
      "data:image-folder-dataset",
      { kind: "image-folder-dataset", root: "./data/split" },
    ],
    // Without a kind in the file, its fields stay where they are fields of the kind that is chosen.
    [
      { data: { root: "a" } },
      "data:ade20k-dataset",
      { kind: "ade20k-dataset", root: "a", split: "training" },
    ],
    [
      { data: { root: "a" } },
      "data:imagenet-dataset",
      { kind: "imagenet-dataset", name: "ILSVRC/imagenet-1k", split: "train" },
    ],
  ])("%j with %j", (file, line, data) => {
    const { config, mistakes } = fromFile(file, line);
    expect(mistakes).toEqual([]);
    expect(config!.data).toEqual(data);
  });
});

test("the file is left as it was", () => {
  const file = Object.freeze({ data: Object.freeze({ root: "a" }) });
  expect(fromFile(file, "--data.root b --seed 3").config).toMatchObject({ data: { root: "b" }, seed: 3 });
  expect(file).toEqual({ data: { root: "a" } });
});

test("mistakes name the flag or the file that they came from", () => {
  const { config, mistakes } = fromFile(
    { sed: 1, vit_batch_size: 0, data: 5, vit_layers: [1.5] },
    "--d-vit 0 --data.root x --vit-layers -2 --vit-layers",
  );
  expect(config).toBeUndefined();
  expect(mistakes).toEqual(
    expect.arrayContaining([
      '--d-vit: expected an integer >= 1 or "auto", found 0',
      "a.toml: vit_batch_size: expected an integer >= 1, found 0",
      expect.stringMatching(/^a\.toml: sed: .*did you mean seed\?$/),
      expect.stringMatching(/data: expected a table .*found 5$/),
    ]),
  );
  expect(mistakes).toHaveLength(4);
});

/** All mistakes of a line, or the configs that it leads to. */
async function outcome(job: typeof trainJob, words: readonly string[]) {
  let cfgs: readonly Train[] = [];
  const quiet = { write: () => {} };
  const spy: typeof trainJob = {
    ...job,
    run: async (request) => {
      cfgs = request.cfgs;
      return { text: "", json: null, paths: [] };
    },
  };
  try {
    await runJob(spy, words, { stdout: quiet, stderr: quiet, env: {} });
    return cfgs;
  } catch (error) {
    if (error instanceof UsageError) return error.mistakes;
    throw error;
  }
}

const write = (name: string, text: string): string => {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
};

describe("a job reports everything at once", () => {
  test("words, values, the config file and what is not supported", async () => {
    const file = write("bad.toml", "lrr = 1\nn_workers = -1\nslurm_acct = 'x'\n");
    expect(
      await outcome(trainJob, [
        "--config",
        file,
        "--lr",
        "fast",
        "--n-pathces=3",
        "--seed",
        "1.5",
        "sae:rleu",
      ]),
    ).toEqual([
      '--lr: expected a number >= 0, found "fast"',
      "--n-pathces: no such flag; did you mean --n-patches?",
      '--seed: expected an integer, found "1.5"',
      "sae:rleu: no such subcommand; did you mean sae:relu?",
      `${file}: n_workers: expected an integer >= 0, found -1`,
      expect.stringMatching(/bad\.toml: lrr: Train has no field "lrr"; did you mean lr\?$/),
    ]);
  });

  test.each([
    [
      "missing.toml",
      undefined,
      /^--config: .*missing\.toml: expected a TOML or JSON file, found no such file$/,
    ],
    ["torn.toml", "lr = ", /^--config: .*torn\.toml: expected TOML, found .*line 1/],
    ["list.json", "[1]", /^--config: .*list\.json: expected a JSON object, found a list$/],
  ])("%s", async (name, text, message) => {
    const file = text === undefined ? path.join(folder, name) : write(name, text);
    expect(await outcome(trainJob, ["--config", file])).toEqual([expect.stringMatching(message)]);
  });

  test("an empty path", async () => {
    expect(await outcome(trainJob, ["--config="])).toEqual([
      '--config: expected the path of a file, found ""',
    ]);
  });

  test("what several configs of a sweep ask for and is not supported is said once", async () => {
    const file = write("sweep.toml", "lr = [1e-3, 2e-3]\nslurm_acct = 'x'\n");
    expect(await outcome(trainJob, ["--sweep", file])).toEqual([
      expect.stringMatching(/^slurm_acct = "x" is not supported/),
    ]);
  });
});

describe("--sweep", () => {
  test("makes one config for each combination, over the flags", async () => {
    const file = write("grid.toml", "lr = [1e-3, 2e-3]\n[objective]\nsparsity_coeff = [1e-4, 2e-4]\n");
    const cfgs = (await outcome(trainJob, [
      "--sweep",
      file,
      "--n-patches",
      "1000",
      "--seed",
      "5",
    ])) as Train[];
    expect(
      cfgs.map((c) => [c.lr, "sparsity_coeff" in c.objective && c.objective.sparsity_coeff, c.seed]),
    ).toEqual([
      [1e-3, 1e-4, 5],
      [1e-3, 2e-4, 6],
      [2e-3, 1e-4, 7],
      [2e-3, 2e-4, 8],
    ]);
    expect(cfgs.every((c) => c.n_patches === 1000)).toBe(true);
  });

  test("reports all of its mistakes, an empty one, and a missing file", async () => {
    const bad = write("bad-sweep.toml", "lrr = [1]\nn_patches = [0, 5]\n");
    expect(await outcome(trainJob, ["--sweep", bad])).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/bad-sweep\.toml: .*lrr.*did you mean lr\?/),
        expect.stringMatching(/bad-sweep\.toml: n_patches: expected an integer >= 1, found 0/),
      ]),
    );
    const empty = write("empty.toml", "lr = []\n");
    expect(await outcome(trainJob, ["--sweep", empty])).toEqual([
      `${empty}: an empty list leaves no combination`,
    ]);
    expect(await outcome(trainJob, ["--sweep", "/nowhere.toml"])).toEqual([
      expect.stringMatching(/^--sweep: \/nowhere\.toml: /),
    ]);
  });

  test("cannot be printed as one config", async () => {
    const file = write("one.toml", "lr = [1]\n");
    expect(await outcome(trainJob, ["--sweep", file, "--print-config"])).toEqual([
      "--print-config: prints one config; --dry-run --json lists those of a sweep",
    ]);
    expect(await outcome(trainJob, ["--dry-run", "--print-config"])).toEqual([
      "--print-config: cannot be combined with --dry-run",
    ]);
  });
});

test("--print-config does not refuse what cannot run here", async () => {
  let printed = "";
  const io = { stdout: { write: (text: string) => (printed += text) }, stderr: { write: () => {} }, env: {} };
  expect(await runJob(activationsJob, ["--print-config", "--vit-family", "siglip"], io)).toBe(0);
  expect(printed).toContain('vit_family = "siglip"');
});
