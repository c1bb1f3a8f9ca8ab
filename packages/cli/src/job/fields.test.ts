import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Flag, fieldEffects, flagTable, parseConfigText } from "@saev/config";
import { afterAll, describe, expect, test } from "vitest";
import { UsageError } from "../errors.js";
import { activationsJob } from "./activations.js";
import { evaluateJob } from "./evaluate.js";
import type { Job, Request } from "./job.js";
import { latentsJob } from "./latents.js";
import { runJob } from "./run-job.js";
import { trainJob } from "./train.js";
import { visualsJob } from "./visuals.js";

const folder = mkdtempSync(path.join(tmpdir(), "saev-fields-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a job whose work is to show what it was asked to do. */
async function run<T extends object>(job: Job<T>, words: readonly string[]) {
  let stdout = "";
  let stderr = "";
  const requests: Request<T>[] = [];
  const io = {
    stdout: { write: (text: string) => (stdout += text) },
    stderr: { write: (text: string) => (stderr += text) },
    env: {},
  };
  const outcome = { text: "", json: null, paths: [] };
  const spy: Job<T> = {
    ...job,
    run: async (request) => {
      requests.push(request);
      return outcome;
    },
  };
  const code = await runJob(spy, words, io);
  return { code, stdout, stderr, cfgs: requests[0]?.cfgs };
}

const jobs = [
  activationsJob,
  trainJob,
  visualsJob,
  latentsJob,
  evaluateJob,
] as unknown as readonly Job<object>[];

/** A way to set a field: which job, which words before it, and the flag. */
interface Way {
  readonly job: Job<object>;
  readonly before: readonly string[];
  readonly flag: Flag;
}

/** Every flag of every command, by "Class.field". */
function ways(): Map<string, Way[]> {
  const all = new Map<string, Way[]>();
  const add = (owner: string, way: Way) => {
    const key = `${owner}.${way.flag.path.split(".").at(-1)}`;
    all.set(key, [...(all.get(key) ?? []), way]);
  };
  for (const job of jobs) {
    const table = flagTable(job.schema);
    for (const flag of table.flags) {
      const data = table.name === "Train" ? "TrainData" : "DataLoad";
      const of = { data, val_data: "ValData" }[flag.path.split(".")[0]!];
      add(of ?? table.name, { job, before: [], flag });
    }
    for (const { subcommand, kind, flags } of table.unions.flatMap((u) => u.members)) {
      const owner = kind.replaceAll(/(^|-)(.)/g, (_, __, letter: string) => letter.toUpperCase());
      for (const flag of flags) add(owner, { job, before: [subcommand], flag });
    }
  }
  return all;
}

/** Values that are not the default, and the words for them after the flag. */
function others({
  type,
  default: value,
  choices,
  negation,
  flag,
  expected,
}: Flag): { words: string[]; value: unknown }[] {
  switch (type) {
    case "int": {
      const other = (value as number) > 3 ? (value as number) - 2 : (value as number) + 3;
      return [{ words: [flag, String(other)], value: other }];
    }
    case "float":
      return [{ words: [`${flag}=${(value as number) / 2 || 0.5}`], value: (value as number) / 2 || 0.5 }];
    case "bool":
      return [
        { words: [value ? negation! : flag], value: !value },
        { words: [flag, value ? "False" : "True"], value: !value },
      ];
    case "string":
      return [
        { words: [flag.replaceAll("-", "_").replace(/^__/, "--"), "another one"], value: "another one" },
      ];
    case "choice":
      return choices!.filter((c) => c !== value).map((c) => ({ words: [flag, c], value: c }));
    case "int-or-choice":
      return [
        ...choices!.filter((c) => c !== value).map((c) => ({ words: [flag, c], value: c })),
        // Sizes are above 0, layers count from the end.
        ...[expected.includes(">=") ? 7 : -7].map((n) => ({ words: [flag, String(n)], value: n })),
      ];
    case "bool-or-choice":
      return [
        { words: [negation!], value: false },
        { words: [flag], value: true },
        { words: [flag, "False"], value: false },
      ];
    case "path-switch":
      return [
        { words: [negation!], value: false },
        { words: [flag, "a file.pt"], value: "a file.pt" },
      ];
    case "ints":
      return expected.includes(">=")
        ? [{ words: [flag, "3", "4"], value: [3, 4] }]
        : [{ words: [flag, "-3", "4"], value: [-3, 4] }];
    case "range":
      return [{ words: [flag, "-5.5", "-1e-1"], value: [-5.5, -0.1] }];
  }
}

const at = (config: unknown, dotted: string): unknown =>
  dotted.split(".").reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], config);

/** Words for a dataset, where none are given; those with which one is used, where one is. */
const usable = (job: Job<object>, before: readonly string[]): string[] => {
  if (job === (trainJob as unknown))
    return before.some((word) => word.startsWith("images:")) ? ["--data.live"] : [];
  const union = flagTable(job.schema).unions.find(({ path: at }) => at === "images" || at === "data")?.path;
  return union === undefined || before.some((word) => word.startsWith(`${union}:`))
    ? []
    : [`${union}:image-folder-dataset`];
};

const table = ways();
const leaves = [...table].flatMap(([field, list]) => list.map((way) => ({ field, ...way })));

test("every field has a flag, or is a config whose fields have flags", () => {
  const configs = [
    "Activations.data",
    "Train.data",
    "Train.val_data",
    "Train.images",
    "Train.sae",
    "Train.objective",
    "Visuals.data",
    "Visuals.images",
    "Inference.data",
    "Evaluate.data",
  ];
  expect([...table.keys(), ...configs].sort()).toEqual(Object.keys(fieldEffects).sort());
});

describe("every field goes through the command line into the config", () => {
  test.each(
    leaves.map((leaf) => [`saev ${leaf.job.doc.name} ${leaf.before} ${leaf.flag.flag}`, leaf] as const),
  )("%s", async (_, { field, job, before, flag }) => {
    for (const { words, value } of others(flag)) {
      const line = [...before, ...words];
      const asJson = await run(job, [...line, "--print-config", "--json"]);
      const config: unknown = JSON.parse(asJson.stdout);
      expect(at(config, flag.path)).toEqual(value);
      expect(at(config, flag.path)).not.toEqual(flag.default);

      // The TOML that is printed makes the same config, and flags win over it.
      const asToml = await run(job, [...line, "--print-config"]);
      const file = path.join(folder, "config.toml");
      writeFileSync(file, asToml.stdout);
      const again = await run(job, ["--config", file, "--print-config", "--json"]);
      expect(again.stdout).toBe(asJson.stdout);

      // What the job is asked to do has it too, unless the value is refused: then one line says so.
      const refused = fieldEffects[field]!.refuses?.(value, config as object) === true;
      const ran = run(job, [...usable(job, before), ...line]);
      if (refused) {
        const error = await ran.then(
          () => expect.unreachable("it should have been refused"),
          (e: unknown) => e,
        );
        expect(error).toBeInstanceOf(UsageError);
        const { mistakes } = error as UsageError;
        expect(mistakes).toEqual([
          expect.stringMatching(new RegExp(`^${flag.path} = .* is not supported: .+$`)),
        ]);
      } else expect(at((await ran).cfgs![0], flag.path)).toEqual(value);
    }
  });
});

test.each(["Activations.data", "Train.sae", "Train.objective", "Visuals.images"])(
  "%s: each subcommand chooses its kind, and kinds that are not built are refused",
  async (field) => {
    const [owner, name] = field.split(".") as [string, string];
    const job = jobs.find(({ schema }) => flagTable(schema).name === owner)!;
    const union = flagTable(job.schema).unions.find((u) => u.path === name)!;
    for (const { subcommand, kind } of union.members) {
      const { stdout } = await run(job, [subcommand, "--print-config", "--json"]);
      expect(at(JSON.parse(stdout), `${name}.kind`)).toBe(kind);
      const ran = run(job, [subcommand]);
      if (fieldEffects[field]!.refuses?.({ kind }, {}))
        await expect(ran).rejects.toThrow(`${name} = "${kind}" is not supported`);
      else expect(at((await ran).cfgs![0], `${name}.kind`)).toBe(kind);
    }
  },
);

test("infinities and empty lists survive printing in both forms", async () => {
  const words = ["--log-freq-range", "-inf", "inf", "--include-latents", "--data.clamp", "inf"];
  const json = await run(visualsJob, [...words, "--print-config", "--json"]);
  expect(JSON.parse(json.stdout)).toMatchObject({
    log_freq_range: [-Infinity, Infinity],
    include_latents: [],
    data: { clamp: Infinity },
  });
  for (const format of ["toml", "json"] as const) {
    const file = path.join(folder, `infinite.${format}`);
    const printed = await run(visualsJob, [
      ...words,
      "--print-config",
      ...(format === "json" ? ["--json"] : []),
    ]);
    writeFileSync(file, printed.stdout);
    expect((await run(visualsJob, ["--config", file, "--print-config", "--json"])).stdout).toBe(json.stdout);
    if (format === "toml")
      expect(parseConfigText(printed.stdout, "toml")).toMatchObject({
        log_freq_range: [-Infinity, Infinity],
      });
  }
});
