import { Command } from "clipanion";
import type { ExitCode } from "../exit.js";
import { SaevCommand } from "./saev-command.js";

export class ExploreCommand extends SaevCommand {
  static override readonly paths = [["explore"]];
  static override readonly usage = Command.Usage({
    description: "Open a page on which latents are found, read, compared, named and steered.",
  });

  async execute(): Promise<ExitCode> {
    const { runExplore } = await import("../explore/run-explore.js");
    return runExplore(this.words, this.context.io);
  }
}
