import { Command } from "clipanion";
import type { ExitCode } from "../exit.js";
import { SaevCommand } from "./saev-command.js";

export class DoctorCommand extends SaevCommand {
  static override readonly paths = [["doctor"]];
  static override readonly usage = Command.Usage({
    description: "Check that everything saev needs on this machine is there and works.",
  });

  async execute(): Promise<ExitCode> {
    const { runDoctor } = await import("../doctor/run-doctor.js");
    return runDoctor(this.words, this.context.io);
  }
}
