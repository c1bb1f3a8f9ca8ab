import type { ExitCode } from "../exit.js";
import { SaevCommand } from "./saev-command.js";

export class TrainCommand extends SaevCommand {
  static override readonly paths = [["train"]];

  async execute(): Promise<ExitCode> {
    const [{ runJob }, { trainJob }] = await Promise.all([
      import("../job/run-job.js"),
      import("../job/train.js"),
    ]);
    return runJob(trainJob, this.words, this.context.io);
  }
}
