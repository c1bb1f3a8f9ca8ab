import type { ExitCode } from "../exit.js";
import { SaevCommand } from "./saev-command.js";

export class DoctorCommand extends SaevCommand {
  static override readonly paths = [["doctor"]];

  async execute(): Promise<ExitCode> {
    const { runDoctor } = await import("../doctor/run-doctor.js");
    return runDoctor(this.words, this.context.io);
  }
}
