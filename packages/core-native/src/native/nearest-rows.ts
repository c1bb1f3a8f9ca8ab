import type { Control, Handle } from "./addon.js";

/** Bindings of `native/bind/nearest_rows.cc`. */
export interface NearestRowsExports {
  nearestRows(
    a: Handle<"Tensor">,
    b: Handle<"Tensor">,
    k: number,
    skipSelf: boolean,
    control?: Control,
  ): Promise<{ index: Handle<"Tensor">; cosine: Handle<"Tensor"> }>;
}
