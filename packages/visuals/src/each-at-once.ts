export interface AtOnceOptions {
  /** Items worked on at a time, at least 1. */
  readonly concurrency: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Does `work` for every item, some at a time, in order. After a failure the others end what they are at and begin nothing
 * more; all have ended when this returns, so that nothing is written afterwards.
 * @throws what `work` threw first in the order of the workers, or the signal's reason.
 */
export async function eachAtOnce<T>(
  items: readonly T[],
  { concurrency, signal, onProgress }: AtOnceOptions,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  let done = 0;
  const worker = async () => {
    while (next < items.length) {
      const item = items[next++]!;
      try {
        signal?.throwIfAborted();
        await work(item);
      } catch (error) {
        next = items.length;
        throw error;
      }
      onProgress?.(++done, items.length);
    }
  };
  const workers = Array.from({ length: Math.max(1, concurrency) }, worker);
  const failed = (await Promise.allSettled(workers)).find((end) => end.status === "rejected");
  if (failed) throw failed.reason;
}
