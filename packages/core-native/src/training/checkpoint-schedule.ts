/** Asks trainings for a checkpoint, now, after which they go on: give it to them, and call `request`, as on a signal. */
export class CheckpointRequests {
  #pending = false;
  #heard: (() => void) | undefined;

  /** Asks. Where nothing is being trained right now, the next training hears it. */
  request(): void {
    this.#pending = true;
    this.#heard?.();
  }

  /** @internal Calls `heard` at a request, and at once for one that nobody has heard. */
  listen(heard: () => void): void {
    this.#heard = heard;
    if (this.#pending) heard();
  }

  /** @internal Nobody listens any more. `answered`: the requests so far have their checkpoint. */
  unlisten(answered: boolean): void {
    this.#heard = undefined;
    if (answered) this.#pending = false;
  }
}

/** Largest share of the time that checkpoints by time may take. */
const share = 0.01;

/** When a training stops for a checkpoint: every so many minutes, and on request. */
export class CheckpointSchedule {
  #due: number;
  #timer: NodeJS.Timeout | undefined;

  /** @param minutes from one to the next; 0: on request only. */
  constructor(
    private readonly minutes: number,
    private readonly requests?: CheckpointRequests,
  ) {
    this.#due = performance.now() + minutes * 60_000;
  }

  /** A signal that is raised when the next checkpoint is due. */
  next(): AbortSignal {
    const controller = new AbortController();
    const raise = () => controller.abort();
    if (this.minutes > 0) {
      // Node's timers count 32 bits of milliseconds.
      this.#timer = setTimeout(raise, Math.min(2 ** 31 - 1, Math.max(0, this.#due - performance.now())));
      this.#timer.unref();
    }
    this.requests?.listen(raise);
    return controller.signal;
  }

  /** Writes a checkpoint, and lets the next one wait the longer the longer it took. */
  async write(checkpoint: () => Promise<void>): Promise<void> {
    this.stop(true);
    const begin = performance.now();
    await checkpoint();
    const end = performance.now();
    this.#due = end + Math.max(this.minutes * 60_000, (end - begin) / share);
  }

  /** Raises no signal any more. */
  stop(answered = false): void {
    clearTimeout(this.#timer);
    this.requests?.unlisten(answered);
  }
}
