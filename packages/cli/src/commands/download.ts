import { Command } from "clipanion";
import type { ExitCode } from "../exit.js";
import { SaevCommand } from "./saev-command.js";

export class DownloadCommand extends SaevCommand {
  static override readonly paths = [["download"]];
  static override readonly usage = Command.Usage({
    description: "Download a model into the cache that Python's tools share.",
  });

  async execute(): Promise<ExitCode> {
    const { runDownload } = await import("../models/run-download.js");
    return runDownload(this.words, this.context.io);
  }
}
