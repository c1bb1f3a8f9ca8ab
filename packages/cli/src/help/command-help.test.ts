import { flagTable } from "@saev/config";
import { describe, expect, test } from "vitest";
import { type Option, oneOf } from "../argv/option.js";
import { activationsJob } from "../job/activations.js";
import { type Job, jobOptions } from "../job/job.js";
import { trainJob } from "../job/train.js";
import { visualsJob } from "../job/visuals.js";
import { commandHelp } from "./command-help.js";
import { wrap } from "./layout.js";
import { styleOf } from "./style.js";

const jobs = [activationsJob, trainJob, visualsJob] as unknown as readonly Job<object>[];

function helpOf(job: Job<object>, width: number, colour = false): string {
  const grammar = { table: flagTable(job.schema), options: [...job.options, ...jobOptions] };
  return commandHelp(job.doc, grammar, styleOf(colour), width);
}

describe.each(jobs.map((job) => [job.doc.name, job] as const))("help of %s", (_, job) => {
  const table = flagTable(job.schema);
  const flags = [...table.flags, ...table.unions.flatMap((u) => u.members.flatMap((m) => m.flags))];

  test("shows name, type, default and doc of each field, each once", () => {
    const entries = helpOf(job, 10_000).split("\n");
    for (const flag of flags) {
      const label = `  ${[flag.flag, flag.type.startsWith("bool") ? flag.negation : undefined].filter(Boolean).join(", ")}`;
      const lines = entries.filter((line) =>
        line.startsWith(`${label}${flag.metavar ? ` ${flag.metavar}` : ""} `),
      );
      const same = flags.filter((other) => other.flag === flag.flag && other.metavar === flag.metavar);
      expect(lines.length, flag.flag).toBe(same.length);
      const line = lines[same.indexOf(flag)]!;
      expect(line).toContain(flag.doc);
      expect(line).toMatch(/\(default: [^)]+\)$/);
      if (flag.negation) expect(line).toContain(flag.negation);
    }
  });

  test("has examples, and a heading for each group and subcommand", () => {
    const text = helpOf(job, 100);
    for (const [, line] of job.doc.examples) expect(text).toContain(`  ${line}\n`);
    for (const { group } of table.flags) expect(text).toMatch(new RegExp(`^${group}:$`, "im"));
    for (const { subcommand, isDefault } of table.unions.flatMap((u) => u.members)) {
      expect(text).toContain(`\n${subcommand}${isDefault ? " (default)" : ""}:\n`);
    }
  });

  test.each([30, 44, 60, 80, 100, 160])(
    "fits in %d columns, but for words that cannot be broken",
    (width) => {
      const examples = new Set(job.doc.examples.map(([, line]) => `  ${line}`));
      for (const line of helpOf(job, width).split("\n")) {
        if (line.length <= width || examples.has(line)) continue;
        expect(line.trim(), line).toMatch(
          /^(\S+|-\S.*|\S+ (?:\(default\))?:|\(default: .*\)|\S+ \(default: .*)$/,
        );
      }
    },
  );
});

test("the default of a field is typed as it would be on the command line", () => {
  const text = helpOf(jobs[2]!, 200);
  expect(text).toContain("(default: -6 -2)");
  expect(text).toContain("(default: none)");
  expect(text).toContain("(default: 16_384)");
  expect(helpOf(jobs[1]!, 200)).toContain('(default: "")');
});

test("an option of some words that has no default must be given, and says so", () => {
  const option = oneOf("to", ["a", "b"], "Which.");
  const help = (to: Option) => commandHelp(jobs[0]!.doc, { options: [to] }, styleOf(false), 100);
  expect(help(option)).toContain("Which. (default: a)");
  expect(help({ ...option, default: undefined })).toContain("Which. (required)");
});

test("words are wrapped, and longer ones have a line of their own", () => {
  expect(wrap("a bb  ccc\ndddddddd e", 5)).toEqual(["a bb", "ccc", "dddddddd", "e"]);
  expect(wrap("", 5)).toEqual([]);
});
