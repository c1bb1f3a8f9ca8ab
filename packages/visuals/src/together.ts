/**
 * Runs tasks at the same time. The first that fails stops the others through their signal; all have ended when this
 * returns, so that nothing is written afterwards.
 * @throws what that task threw.
 */
export async function together(
  signal: AbortSignal | undefined,
  tasks: readonly ((signal: AbortSignal) => Promise<void>)[],
): Promise<void> {
  const stop = new AbortController();
  const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  let failed: { readonly error: unknown } | undefined;
  await Promise.all(
    tasks.map(async (task) => {
      try {
        await task(either);
      } catch (error) {
        failed ??= { error };
        stop.abort(error);
      }
    }),
  );
  if (failed) throw failed.error;
}
