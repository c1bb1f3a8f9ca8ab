import type { ExitCode } from "../exit.js";
import { SaevCommand } from "./saev-command.js";

export class LatentsCommand extends SaevCommand {
  static override readonly paths = [["latents"]];

  async execute(): Promise<ExitCode> {
    const [{ runJob }, { latentsJob }] = await Promise.all([
      import("../job/run-job.js"),
      import("../job/latents.js"),
    ]);
    return runJob(latentsJob, this.words, this.context.io);
  }
}
