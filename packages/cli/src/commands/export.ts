import type { ExitCode } from "../exit.js";
import { SaevCommand } from "./saev-command.js";

export class ExportCommand extends SaevCommand {
  static override readonly paths = [["export"]];

  async execute(): Promise<ExitCode> {
    const { runExport } = await import("../explore/run-export.js");
    return runExport(this.words, this.context.io);
  }
}
