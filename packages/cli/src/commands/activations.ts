import type { ExitCode } from "../exit.js";
import { SaevCommand } from "./saev-command.js";

export class ActivationsCommand extends SaevCommand {
  static override readonly paths = [["activations"]];

  async execute(): Promise<ExitCode> {
    const [{ runJob }, { activationsJob }] = await Promise.all([
      import("../job/run-job.js"),
      import("../job/activations.js"),
    ]);
    return runJob(activationsJob, this.words, this.context.io);
  }
}
