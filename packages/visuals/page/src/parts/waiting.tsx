import type { Loaded } from "../data/use.js";

/** What stands where something is being loaded, or why it could not be. */
export function Waiting({ loaded }: { readonly loaded: Loaded<unknown> }) {
  if (loaded.state === "failed") {
    return (
      <p class="status" role="alert">
        {loaded.error}
      </p>
    );
  }
  return (
    <p class="status" role="status">
      Loading…
    </p>
  );
}
