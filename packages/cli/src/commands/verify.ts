import type { ExitCode } from "../exit.js";
import { SaevCommand } from "./saev-command.js";

export class VerifyCommand extends SaevCommand {
  static override readonly paths = [["verify"]];

  async execute(): Promise<ExitCode> {
    const { runVerify } = await import("../shards/run-verify.js");
    return runVerify(this.words, this.context.io);
  }
}
