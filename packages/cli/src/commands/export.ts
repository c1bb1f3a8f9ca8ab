import { Command } from "clipanion";
import type { ExitCode } from "../exit.js";
import { SaevCommand } from "./saev-command.js";

export class ExportCommand extends SaevCommand {
  static override readonly paths = [["export"]];
  static override readonly usage = Command.Usage({
    description: "Write the explorer's pages as files that open from disk.",
  });

  async execute(): Promise<ExitCode> {
    const { runExport } = await import("../explore/run-export.js");
    return runExport(this.words, this.context.io);
  }
}
