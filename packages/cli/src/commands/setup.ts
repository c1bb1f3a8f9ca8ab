import type { ExitCode } from "../exit.js";
import { SaevCommand } from "./saev-command.js";

export class SetupCommand extends SaevCommand {
  static override readonly paths = [["setup"]];

  async execute(): Promise<ExitCode> {
    const { runSetup } = await import("../setup/run-setup.js");
    return runSetup(this.words, this.context.io);
  }
}
