import type { ExitCode } from "../exit.js";
import { SaevCommand } from "./saev-command.js";

export class NamesCommand extends SaevCommand {
  static override readonly paths = [["names"]];

  async execute(): Promise<ExitCode> {
    const { runNames } = await import("../names/run-names.js");
    return runNames(this.words, this.context.io);
  }
}
