/** How fast something goes: over the last seconds, so that a slow start or a resumed run does not mislead. */
export class Rate {
  private readonly samples: { readonly at: number; readonly done: number }[] = [];

  constructor(private readonly windowSeconds = 15) {}

  /** Records that `done` was reached at `at` seconds. What was done before the first sample counts for nothing. */
  add(at: number, done: number): void {
    this.samples.push({ at, done });
    while (this.samples.length > 2 && this.samples[1]!.at <= at - this.windowSeconds) this.samples.shift();
  }

  /** Per second, or undefined while it is not known. */
  perSecond(): number | undefined {
    const first = this.samples[0];
    const last = this.samples.at(-1);
    if (first === undefined || last === undefined || last.at <= first.at || last.done <= first.done)
      return undefined;
    return (last.done - first.done) / (last.at - first.at);
  }
}
