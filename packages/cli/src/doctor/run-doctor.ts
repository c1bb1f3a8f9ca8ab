import type { DoctorReport } from "@saev/core";
import { jsonOption } from "../argv/option.js";
import { Exit, type ExitCode } from "../exit.js";
import { wrap } from "../help/layout.js";
import { type Style, styleOf } from "../help/style.js";
import { interruptible } from "../interrupt.js";
import { hasColour, type Io, widthOf } from "../io.js";
import { readSimple, type SimpleCommand } from "../simple-command.js";

const command: SimpleCommand = {
  doc: {
    name: "doctor",
    summary:
      "Checks everything that saev needs: Node, the native addon, libtorch, CPU kernels, CUDA, folders, disk.",
    details: ["The exit code is 1 when something that saev needs is missing or broken."],
    examples: [
      ["See whether this machine can run saev.", "saev doctor"],
      ["The same for a script.", "saev doctor --json"],
    ],
  },
  options: [jsonOption("Print the report as JSON.")],
};

/** Prints core's report, text or JSON. */
export async function runDoctor(words: readonly string[], io: Io): Promise<ExitCode> {
  const line = readSimple(command, words, io);
  if (line === undefined) return Exit.done;
  const { doctor } = await import("@saev/core");
  const report = await interruptible(
    (signal) => doctor({ signal }),
    () => {},
  );
  if (line.options.get("json") === true) io.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  else io.stdout.write(doctorText(report, styleOf(hasColour(io.stdout, io.env)), widthOf(io.stdout, io.env)));
  return report.ok ? Exit.done : Exit.failed;
}

/** A line for each item, what to do below it, and the verdict. */
export function doctorText({ ok, items }: DoctorReport, style: Style, width: number): string {
  const column = Math.max(...items.map(({ name }) => name.length));
  const left = " ".repeat(column + 8);
  const lines = items.flatMap(({ name, status, detail, remedy }) => {
    const [first = "", ...others] = wrap(detail, Math.max(20, width - left.length));
    const mark = { ok: "ok  ", warn: "warn", fail: "FAIL" }[status];
    return [
      `${status === "ok" ? style.dim(mark) : style.bold(mark)}  ${style.accent(name.padEnd(column))}  ${first}`,
      ...others.map((text) => left + text),
      ...(remedy === undefined
        ? []
        : wrap(`→ ${remedy}`, Math.max(20, width - left.length)).map((t) => left + t)),
    ];
  });
  const failed = items.filter(({ status }) => status === "fail").length;
  const verdict = ok ? "saev can run on this machine." : `${failed} of ${items.length} checks failed.`;
  return `${lines.join("\n")}\n\n${verdict}\n`;
}
