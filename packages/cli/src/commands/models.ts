import { Command } from "clipanion";
import type { ExitCode } from "../exit.js";
import { SaevCommand } from "./saev-command.js";

export class ModelsCommand extends SaevCommand {
  static override readonly paths = [["models"]];
  static override readonly usage = Command.Usage({
    description: "List the models that can be named, their sizes, and which are downloaded.",
  });

  async execute(): Promise<ExitCode> {
    const { runModels } = await import("../models/run-models.js");
    return runModels(this.words, this.context.io);
  }
}
