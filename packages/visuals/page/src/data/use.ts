import { useEffect, useRef, useState } from "preact/hooks";

export type Loaded<T> =
  | { readonly state: "loading" }
  | { readonly state: "ready"; readonly value: T }
  | { readonly state: "failed"; readonly error: string };

/** What a promise came to; does not reject. */
export const settled = <T>(promise: Promise<T>): Promise<Loaded<T>> =>
  promise.then(
    (value) => ({ state: "ready", value }),
    (error: Error) => ({ state: "failed", error: error.message }),
  );

export interface UseLoadedOptions<T> {
  /** Leaves the last answer in place until the next one comes. */
  readonly keep?: boolean;
  /** What is known at the start without asking; asked at the first drawing only. */
  readonly already?: () => Loaded<T> | undefined;
}

/** What `load` gives; asked again when one of `keys` changes, and a late answer to an earlier question is dropped. */
export function useLoaded<T>(
  load: () => Promise<T>,
  keys: readonly unknown[],
  options: UseLoadedOptions<T> = {},
): Loaded<T> {
  const [loaded, set] = useState<Loaded<T>>(() => options.already?.() ?? { state: "loading" });
  const known = useRef(loaded.state !== "loading");
  useEffect(() => {
    if (known.current) {
      known.current = false;
      return;
    }
    let current = true;
    if (!options.keep) set({ state: "loading" });
    settled(load()).then((answer) => current && set(answer));
    return () => {
      current = false;
    };
  }, [...keys]);
  return loaded;
}
