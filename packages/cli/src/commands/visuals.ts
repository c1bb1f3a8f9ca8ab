import type { ExitCode } from "../exit.js";
import { SaevCommand } from "./saev-command.js";

export class VisualsCommand extends SaevCommand {
  static override readonly paths = [["visuals"]];

  async execute(): Promise<ExitCode> {
    const [{ runJob }, { visualsJob }] = await Promise.all([
      import("../job/run-job.js"),
      import("../job/visuals.js"),
    ]);
    return runJob(visualsJob, this.words, this.context.io);
  }
}
