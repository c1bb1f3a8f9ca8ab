import type { ExitCode } from "../exit.js";
import { SaevCommand } from "./saev-command.js";

export class InfoCommand extends SaevCommand {
  static override readonly paths = [["info"]];

  async execute(): Promise<ExitCode> {
    const { runInfo } = await import("../info/run-info.js");
    return runInfo(this.words, this.context.io);
  }
}
