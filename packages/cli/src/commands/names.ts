import { Command } from "clipanion";
import type { ExitCode } from "../exit.js";
import { SaevCommand } from "./saev-command.js";

export class NamesCommand extends SaevCommand {
  static override readonly paths = [["names"]];
  static override readonly usage = Command.Usage({
    description: "Suggest names for latents of a CLIP or SigLIP, from a vocabulary.",
  });

  async execute(): Promise<ExitCode> {
    const { runNames } = await import("../names/run-names.js");
    return runNames(this.words, this.context.io);
  }
}
