import { useEffect, useState } from "preact/hooks";

export type Loaded<T> =
  | { readonly state: "loading" }
  | { readonly state: "ready"; readonly value: T }
  | { readonly state: "failed"; readonly error: string };

/**
 * What `load` gives; asked again when one of `keys` changes, and a late answer to an earlier question is dropped.
 * @param options.keep leave the last answer in place until the next one comes.
 */
export function useLoaded<T>(
  load: () => Promise<T>,
  keys: readonly unknown[],
  options: { readonly keep?: boolean } = {},
): Loaded<T> {
  const [loaded, set] = useState<Loaded<T>>({ state: "loading" });
  useEffect(() => {
    let current = true;
    if (!options.keep) set({ state: "loading" });
    load().then(
      (value) => current && set({ state: "ready", value }),
      (error: Error) => current && set({ state: "failed", error: error.message }),
    );
    return () => {
      current = false;
    };
  }, [...keys]);
  return loaded;
}
