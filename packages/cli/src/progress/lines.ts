import type { Out } from "../io.js";
import type { Progress, Reporter } from "./reporter.js";
import { Step } from "./step.js";

/** Seconds before the first line of a step, and between two lines. */
const first = 2;
const pause = 5;

/** A line every few seconds, for logs and pipes. */
export class Lines implements Reporter {
  private step: Step | undefined;
  private nextAt = 0;

  constructor(
    private readonly out: Out,
    private readonly now: () => number,
  ) {}

  progress(progress: Progress): void {
    const now = this.now();
    if (this.step?.latest.label !== progress.label) {
      this.end(true);
      this.step = new Step(progress, now);
      this.nextAt = now + first;
      return;
    }
    this.step.update(progress, now);
    if (now < this.nextAt) return;
    this.nextAt = now + pause;
    this.out.write(
      `${progress.label}: ${[`${Math.floor(this.step.share() * 100)}%`, ...this.step.figures()].join(", ")}\n`,
    );
  }

  note(text: string): void {
    this.out.write(`${text}\n`);
  }

  warn(text: string): void {
    this.out.write(`warning: ${text}\n`);
  }

  end(_finished: boolean): void {
    if (this.step !== undefined) this.out.write(`${this.step.summary(this.now())}\n`);
    this.step = undefined;
  }
}
