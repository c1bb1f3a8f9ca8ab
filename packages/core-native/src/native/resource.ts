import { SaevError } from "../errors.js";
import type { Handle } from "./addon.js";
import { callSync } from "./call.js";
import { addon } from "./load.js";

/**
 * Base of every class that owns a native object: `dispose()` or `using` frees it at once, the garbage collector
 * is the backstop.
 */
export abstract class Resource<K extends string> implements Disposable {
  #handle: Handle<K>;

  /** @internal */
  protected constructor(handle: Handle<K>) {
    this.#handle = handle;
  }

  /** @internal The handle for native calls. */
  get handle(): Handle<K> {
    return this.#handle;
  }

  /** Whether `dispose` was called. */
  get disposed(): boolean {
    return addon().isDisposed(this.#handle);
  }

  /** Frees the native object. A job that still uses it keeps it until it ends. Calling it twice is harmless. */
  dispose(): void {
    callSync(() => addon().dispose(this.#handle));
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Throws `DISPOSED` unless the object is alive. */
  protected alive(): void {
    if (this.disposed)
      throw new SaevError("DISPOSED", `this ${this.constructor.name} was disposed; create a new one`);
  }
}
