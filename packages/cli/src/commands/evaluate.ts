import type { ExitCode } from "../exit.js";
import { SaevCommand } from "./saev-command.js";

export class EvaluateCommand extends SaevCommand {
  static override readonly paths = [["evaluate"]];

  async execute(): Promise<ExitCode> {
    const [{ runJob }, { evaluateJob }] = await Promise.all([
      import("../job/run-job.js"),
      import("../job/evaluate.js"),
    ]);
    return runJob(evaluateJob, this.words, this.context.io);
  }
}
