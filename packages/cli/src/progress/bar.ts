import type { Style } from "../help/style.js";
import type { Io } from "../io.js";
import type { Progress, Reporter } from "./reporter.js";
import { Step } from "./step.js";

/** Seconds between two drawings. */
const pause = 0.1;
const clearLine = "\r\u001b[K";

/** One line at the bottom of a terminal, drawn over and over; notes appear above it. */
export class Bar implements Reporter {
  private step: Step | undefined;
  private drawnAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly io: Io,
    private readonly now: () => number,
    private readonly style: Style,
  ) {}

  progress(progress: Progress): void {
    const now = this.now();
    if (this.step?.latest.label !== progress.label) {
      this.end();
      this.step = new Step(progress, now);
      this.drawnAt = Number.NEGATIVE_INFINITY;
    } else this.step.update(progress, now);
    if (now - this.drawnAt >= pause) this.draw(now);
  }

  note(text: string): void {
    this.above(text);
  }

  warn(text: string): void {
    this.above(`${this.style.bold("warning:")} ${text}`);
  }

  end(): void {
    if (this.step === undefined) return;
    this.io.stderr.write(`${clearLine}${this.step.summary(this.now())}\n`);
    this.step = undefined;
  }

  private above(text: string): void {
    this.io.stderr.write(this.step === undefined ? `${text}\n` : `${clearLine}${text}\n`);
    if (this.step !== undefined) this.draw(this.now());
  }

  private draw(now: number): void {
    this.drawnAt = now;
    // The last column stays free: a full line would move some terminals to the next one.
    const width = (this.io.stderr.columns ?? 80) - 1;
    this.io.stderr.write(`${clearLine}${barLine(this.step!, width, unicode(this.io.env), this.style)}`);
  }
}

/** The line for a step in at most `width` columns: figures that do not fit are left out from the right. */
export function barLine(step: Step, width: number, fine: boolean, style: Style): string {
  const percent = `${String(Math.floor(step.share() * 100)).padStart(3)}%`;
  const { label } = step.latest;
  const room = (parts: readonly string[]) => width - [label, percent, ...parts].join("  ").length - 2;
  let parts = step.figures();
  while (parts.length > 1 && room(parts) < 10) parts = parts.slice(0, -1);
  const size = Math.min(30, room(parts));
  if (size < 4) return [label, percent, ...parts].join("  ").slice(0, Math.max(0, width));
  const filled = Math.round(step.share() * size);
  const [full, empty] = fine ? ["█", "░"] : ["#", "-"];
  const bar = style.accent(full!.repeat(filled)) + style.dim(empty!.repeat(size - filled));
  return [label, bar, percent, ...parts].join("  ");
}

/** Whether the terminal's locale can show block characters. */
function unicode(env: Io["env"]): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || "";
  return /utf-?8/i.test(locale);
}
