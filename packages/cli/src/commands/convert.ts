import type { ExitCode } from "../exit.js";
import { SaevCommand } from "./saev-command.js";

export class ConvertCommand extends SaevCommand {
  static override readonly paths = [["convert"]];

  async execute(): Promise<ExitCode> {
    const { runConvert } = await import("../shards/run-convert.js");
    return runConvert(this.words, this.context.io);
  }
}
