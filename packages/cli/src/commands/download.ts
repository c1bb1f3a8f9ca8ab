import type { ExitCode } from "../exit.js";
import { SaevCommand } from "./saev-command.js";

export class DownloadCommand extends SaevCommand {
  static override readonly paths = [["download"]];

  async execute(): Promise<ExitCode> {
    const { runDownload } = await import("../models/run-download.js");
    return runDownload(this.words, this.context.io);
  }
}
