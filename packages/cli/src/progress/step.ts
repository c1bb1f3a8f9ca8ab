import { count, duration, figure } from "../text.js";
import { Rate } from "./rate.js";
import type { Progress } from "./reporter.js";

/** One step as it goes on: what was last reported, how fast it goes, how long it will take. */
export class Step {
  private readonly rate = new Rate();
  private readonly started: number;
  private readonly from: number;

  constructor(
    public latest: Progress,
    now: number,
  ) {
    this.started = now;
    this.from = latest.done;
    this.rate.add(now, latest.done);
  }

  update(progress: Progress, now: number): void {
    this.latest = progress;
    this.rate.add(now, progress.done);
  }

  perSecond(): number | undefined {
    return this.rate.perSecond();
  }

  secondsLeft(): number | undefined {
    const rate = this.rate.perSecond();
    return rate === undefined ? undefined : (this.latest.total - this.latest.done) / rate;
  }

  /** Share done, in [0, 1]. */
  share(): number {
    const { done, total } = this.latest;
    return total > 0 ? Math.min(1, done / total) : 1;
  }

  /** "120/500 images  17.8 images/s  0:21 left  mse 0.41" */
  figures(): string[] {
    const { done, total, unit, values } = this.latest;
    const rate = this.perSecond();
    const left = this.secondsLeft();
    return [
      `${count(done)}/${count(total)} ${unit}`,
      ...(rate === undefined ? [] : [`${figure(rate)} ${unit}/s`]),
      ...(left === undefined ? [] : [`${duration(left)} left`]),
      ...Object.entries(values ?? {}).map(([name, value]) => `${name} ${figure(value)}`),
    ];
  }

  /** "recording: 500 images in 0:28 (17.8 images/s)" */
  summary(now: number): string {
    const { label, done, total, unit } = this.latest;
    const seconds = now - this.started;
    const made = done - this.from;
    const rate = seconds > 0 && made > 0 ? ` (${figure(made / seconds)} ${unit}/s)` : "";
    const reached = done === total ? count(done) : `${count(done)} of ${count(total)}`;
    return `${label}: ${reached} ${unit} in ${duration(seconds)}${rate}`;
  }
}
