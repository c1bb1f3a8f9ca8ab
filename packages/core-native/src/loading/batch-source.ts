import type { Handle } from "../native/addon.js";
import { callAsync, callSync, type LongCallOptions } from "../native/call.js";
import { addon } from "../native/load.js";
import { Resource } from "../native/resource.js";
import { Tensor } from "../tensor.js";

/** Rows of activations, and where each comes from. */
export interface ActivationBatch extends Disposable {
  /** float32 `[rows, dVit]`: clamped, centred and scaled. */
  readonly acts: Tensor;
  /** int64 `[rows]`: position of the row in the dataset's own order. */
  readonly index: Tensor;
  /** int64 `[rows]`: image of the row. */
  readonly imageI: Tensor;
  /** int64 `[rows]`: patch within the image; −1 when the row is a CLS token or a mean over patches. */
  readonly patchI: Tensor;
}

/**
 * Whatever yields batches of activations: shards ({@link ActivationLoader}) or rows in memory ({@link MemoryLoader}).
 * One job reads it at a time; a second one is refused with `INVALID_ARGUMENT`.
 */
export abstract class BatchSource extends Resource<"BatchSource"> {
  #info: { dim: number; length: number } | undefined;

  /** Width of a row: d_vit. */
  get dim(): number {
    return this.#meta().dim;
  }

  /** Rows of one epoch. */
  get length(): number {
    return this.#meta().length;
  }

  /**
   * The next batch, `null` at the end of an epoch; the call after that begins the next epoch, which a shuffled loader
   * visits in another order.
   * @param maxRows rows at most; the last batch of an epoch may be shorter.
   */
  async next(maxRows: number, options?: LongCallOptions): Promise<ActivationBatch | null> {
    const native = await callAsync(options, (control) =>
      addon().batchSourceNext(control, this.handle, maxRows),
    );
    if (native === null) return null;
    const acts = Tensor.fromHandle(native.acts);
    const index = Tensor.fromHandle(native.index);
    const imageI = Tensor.fromHandle(native.imageI);
    const patchI = Tensor.fromHandle(native.patchI);
    return {
      acts,
      index,
      imageI,
      patchI,
      [Symbol.dispose]() {
        for (const tensor of [acts, index, imageI, patchI]) tensor.dispose();
      },
    };
  }

  /** The batches of one epoch. */
  async *batches(maxRows: number, options?: LongCallOptions): AsyncGenerator<ActivationBatch> {
    for (;;) {
      const batch = await this.next(maxRows, options);
      if (batch === null) return;
      yield batch;
    }
  }

  /** Back to the beginning of the first epoch. */
  reset(): void {
    callSync(() => addon().batchSourceReset(this.handle));
  }

  /** Where this loader stands, as text for a checkpoint. */
  state(): string {
    return callSync(() => addon().batchSourceState(this.handle));
  }

  /** Goes on where `state()` was taken. @throws SaevError when the state belongs to other data or another seed. */
  restore(state: string): void {
    callSync(() => addon().batchSourceRestore(this.handle, state));
  }

  #meta() {
    this.alive();
    this.#info ??= callSync(() => addon().batchSourceInfo(this.handle));
    return this.#info;
  }
}

/** Rows that are in memory already. */
export class MemoryLoader extends BatchSource {
  /**
   * Copies `rows`, float32 `[n, dim]`.
   * @param order row numbers that an epoch visits, repeats allowed; default: every row once, in order.
   */
  static create(rows: Tensor, order: readonly number[] = []): MemoryLoader {
    return new MemoryLoader(callSync(() => addon().memorySource(rows.handle, order)));
  }

  private constructor(handle: Handle<"BatchSource">) {
    super(handle);
  }
}
