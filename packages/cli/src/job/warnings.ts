import type { Reporter } from "../progress/reporter.js";

/**
 * Lets the process's warnings (`process.emitWarning`, as @saev/core gives them) go through the reporter, so that
 * they do not break a progress bar. Those about Node itself (deprecations and the like) are for developers: they are
 * left out. Gives a function that ends it.
 */
export function forwardWarnings(reporter: Reporter): () => Promise<void> {
  const before = process.listeners("warning");
  process.removeAllListeners("warning");
  const warn = ({ name, message }: Error): void => {
    if (name === "Warning") reporter.warn(message.replaceAll(/\s*\n\s*/g, " "));
  };
  process.on("warning", warn);
  return async () => {
    // Warnings are emitted on the next tick: those of the last moment are still due.
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", warn);
    for (const listener of before) process.on("warning", listener);
  };
}
