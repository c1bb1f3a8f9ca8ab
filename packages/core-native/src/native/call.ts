import { toSaevError } from "../errors.js";
import type { Control, Handle, NativeProgress } from "./addon.js";
import { addon } from "./load.js";

/** Options of every long call. */
export interface LongCallOptions<P = NativeProgress> {
  /** Aborting stops the work within 100 ms or so and rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
  /** Called on the event loop as the work goes on. When it throws, the work stops and the call rejects with that. */
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
  // Thrown inside a native callback, an exception would be swallowed.
  let thrown: { readonly error: unknown } | undefined;
  const report = (progress: NativeProgress) => {
    if (thrown) return;
    try {
      onProgress?.(progress);
    } catch (error) {
      thrown = { error };
      native.abort(flag);
    }
  };
  try {
    const result = await start({ abort: flag, ...(onProgress && { onProgress: report }) });
    if (thrown) throw thrown.error;
    return result;
  } catch (error) {
    if (thrown) throw thrown.error;
    if (signal?.aborted) throw signal.reason;
    const translated = toSaevError(error);
    if (translated instanceof Error && here.stack) {
      translated.stack = `${translated.name}: ${translated.message}\n${here.stack.split("\n").slice(2).join("\n")}`;
    }
    throw translated;
  } finally {
    signal?.removeEventListener("abort", onAbort);
    native.dispose(flag);
  }
}
