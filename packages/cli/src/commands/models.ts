import type { ExitCode } from "../exit.js";
import { SaevCommand } from "./saev-command.js";

export class ModelsCommand extends SaevCommand {
  static override readonly paths = [["models"]];

  async execute(): Promise<ExitCode> {
    const { runModels } = await import("../models/run-models.js");
    return runModels(this.words, this.context.io);
  }
}
