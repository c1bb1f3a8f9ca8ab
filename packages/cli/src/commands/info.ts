import { Command } from "clipanion";
import type { ExitCode } from "../exit.js";
import { SaevCommand } from "./saev-command.js";

export class InfoCommand extends SaevCommand {
  static override readonly paths = [["info"]];
  static override readonly usage = Command.Usage({
    description: "Say what a shard folder, an SAE, a run, a gallery or a model folder holds.",
  });

  async execute(): Promise<ExitCode> {
    const { runInfo } = await import("../info/run-info.js");
    return runInfo(this.words, this.context.io);
  }
}
