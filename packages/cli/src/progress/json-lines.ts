import type { Out } from "../io.js";
import type { Progress, Reporter } from "./reporter.js";
import { Step } from "./step.js";

/** Seconds between two lines of one step. */
const pause = 1;

/** One JSON object a line, for programs: events "progress", "note", "warning" and "end". */
export class JsonLines implements Reporter {
  private step: Step | undefined;
  private nextAt = 0;

  constructor(
    private readonly out: Out,
    private readonly now: () => number,
    private readonly quiet: boolean,
  ) {}

  progress(progress: Progress): void {
    const now = this.now();
    if (this.step?.latest.label !== progress.label) {
      this.end(true);
      this.step = new Step(progress, now);
      this.nextAt = now;
    } else this.step.update(progress, now);
    if (now < this.nextAt && progress.done < progress.total) return;
    this.nextAt = now + pause;
    this.writeStep("progress", this.step);
  }

  note(text: string): void {
    if (!this.quiet) this.write({ event: "note", message: text });
  }

  warn(text: string): void {
    this.write({ event: "warning", message: text });
  }

  end(finished: boolean): void {
    if (this.step !== undefined) this.writeStep("end", this.step, { finished });
    this.step = undefined;
  }

  private writeStep(event: string, step: Step, more: object = {}): void {
    if (this.quiet) return;
    const { label, done, total, unit, values } = step.latest;
    const perSecond = step.perSecond() ?? null;
    this.write({
      event,
      label,
      done,
      total,
      unit,
      per_second: perSecond,
      seconds_left: step.secondsLeft() ?? null,
      ...(values && { values }),
      ...more,
    });
  }

  private write(event: object): void {
    this.out.write(`${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`);
  }
}
