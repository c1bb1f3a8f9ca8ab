import { toSaevError } from "../errors.js";
import type { Control, Handle, NativeProgress } from "./addon.js";
import { addon } from "./load.js";

/** Options of every long call. */
export interface LongCallOptions<P = NativeProgress> {
  /** Aborting stops the work within 100 ms or so and rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
  /** Called on the event loop as the work goes on. What it throws is rethrown as an uncaught exception. */
  readonly onProgress?: ((progress: P) => void) | undefined;
}

/** Runs a synchronous native call; what it throws becomes a SaevError with the caller's stack. */
export function callSync<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw toSaevError(error);
  }
}

/**
 * Runs a long native call. `start` gets the control object to hand to the addon. The stack of a rejection
 * is the stack of whoever called this.
 */
export async function callAsync<T>(
  options: LongCallOptions | undefined,
  start: (control: Control) => Promise<T>,
): Promise<T> {
  const signal = options?.signal;
  signal?.throwIfAborted();
  const here = new Error();
  const native = addon();
  const flag: Handle<"AbortFlag"> = native.abortFlag();
  const onAbort = () => native.abort(flag);
  signal?.addEventListener("abort", onAbort, { once: true });
  const onProgress = options?.onProgress;
  try {
    return await start({
      abort: flag,
      ...(onProgress && { onProgress: (progress: NativeProgress) => guard(() => onProgress(progress)) }),
    });
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    const translated = toSaevError(error);
    if (translated instanceof Error && here.stack) {
      translated.stack = `${translated.name}: ${translated.message}\n${here.stack.split("\n").slice(2).join("\n")}`;
    }
    throw translated;
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

/** An exception thrown inside a native callback would be swallowed: raise it where users see it. */
function guard(call: () => void): void {
  try {
    call();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
