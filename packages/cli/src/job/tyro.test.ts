import { readFileSync } from "node:fs";
import path from "node:path";
import { toDocument } from "@saev/config";
import { expect, test } from "vitest";
import { activationsJob } from "./activations.js";
import type { Job } from "./job.js";
import { runJob } from "./run-job.js";
import { trainJob } from "./train.js";
import { visualsJob } from "./visuals.js";

/** What tyro itself made of the same words (test/fixtures/cli/record_tyro.py). */
const fixture = path.resolve(import.meta.dirname, "../../../../test/fixtures/cli/tyro.json");
const { cases } = JSON.parse(readFileSync(fixture, "utf8")) as {
  cases: { argv: [string, ...string[]]; config: Record<string, unknown> }[];
};
const jobs = { activations: activationsJob, train: trainJob, visuals: visualsJob } as unknown as Record<
  string,
  Job<object>
>;

test.each(cases.map(({ argv, config }) => [argv.join(" "), argv, config] as const))(
  "%s",
  async (_, argv, config) => {
    const [command, ...words] = argv;
    let printed = "";
    const io = {
      stdout: { write: (text: string) => (printed += text) },
      stderr: { write: () => {} },
      env: {},
    };
    expect(await runJob(jobs[command]!, [...words, "--print-config", "--json"], io)).toBe(0);
    const document = toDocument(JSON.parse(printed) as object);
    // The Python package's JumpRelu has no fields; ours has.
    if (words.includes("sae:jump-relu")) document.sae = {};
    const objective = document.objective as Record<string, unknown> | undefined;
    if (objective && "n_prefixes" in objective) {
      // Ours; the Python package's Matryoshka has neither.
      delete objective.sparsity_coeff;
      delete objective.prefix_draw;
    }
    expect(document).toEqual(config);
  },
);

test("the fixture covers the three commands", () => {
  expect(new Set(cases.map(({ argv }) => argv[0]))).toEqual(new Set(Object.keys(jobs)));
  expect(cases.length).toBeGreaterThan(30);
});
