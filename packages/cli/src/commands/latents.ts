import { Command } from "clipanion";
import type { ExitCode } from "../exit.js";
import { SaevCommand } from "./saev-command.js";

export class LatentsCommand extends SaevCommand {
  static override readonly paths = [["latents"]];
  static override readonly usage = Command.Usage({
    description: "Write the latents of a whole dataset, for scipy, pandas, polars and DuckDB.",
  });

  async execute(): Promise<ExitCode> {
    const [{ runJob }, { latentsJob }] = await Promise.all([
      import("../job/run-job.js"),
      import("../job/latents.js"),
    ]);
    return runJob(latentsJob, this.words, this.context.io);
  }
}
