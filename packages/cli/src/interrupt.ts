import { exitCodeOf, Interrupted } from "./errors.js";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs work that Ctrl-C can stop. The first signal aborts the work, which then stops cleanly; a second one ends the
 * process at once.
 * @param onFirst called when the first signal comes, to say so.
 * @throws Interrupted when the work stopped because of a signal.
 */
export async function interruptible<T>(
  work: (signal: AbortSignal) => Promise<T>,
  onFirst: () => void,
): Promise<T> {
  const controller = new AbortController();
  const stop = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(exitCodeOf(new Interrupted(signal)));
    onFirst();
    controller.abort(new Interrupted(signal));
  };
  for (const signal of signals) process.on(signal, stop);
  try {
    return await work(controller.signal);
  } catch (error) {
    // Whatever the work threw on its way out, stopping it was why.
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    for (const signal of signals) process.off(signal, stop);
  }
}
