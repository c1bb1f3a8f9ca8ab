import { Command } from "clipanion";
import type { ExitCode } from "../exit.js";
import { SaevCommand } from "./saev-command.js";

export class VerifyCommand extends SaevCommand {
  static override readonly paths = [["verify"]];
  static override readonly usage = Command.Usage({
    description: "Read recorded activations from end to end and say what is wrong with them.",
  });

  async execute(): Promise<ExitCode> {
    const { runVerify } = await import("../shards/run-verify.js");
    return runVerify(this.words, this.context.io);
  }
}
