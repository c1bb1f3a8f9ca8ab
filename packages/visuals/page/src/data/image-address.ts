import type { Change } from "../../../src/explorer/live/api.js";

/** What the picture shows over itself: a latent's values, what steering changed, or what its patches are. */
export type Overlay =
  | { readonly of: "latent"; readonly latent: number }
  | { readonly of: "moved" | "output" | "labels" }
  | undefined;

/** All that a person chose on the image page. */
export interface ImageState {
  /** Id of the picture: `d12`, `u…`. */
  readonly image: string | undefined;
  /** Selected rows, ascending. */
  readonly rows: readonly number[];
  readonly changes: readonly Change[];
  /** Whether changes are made in the selected rows only. */
  readonly onlySelected: boolean;
  readonly keepError: boolean;
  readonly overlay: Overlay;
  /** Names of classes that the picture is scored with. */
  readonly labels: readonly string[];
}

/** What an address says; what it does not say, or says wrongly, is left out. */
export function imageStateOf(query: URLSearchParams): ImageState {
  const image = query.get("image") ?? "";
  const show = query.get("show") ?? "";
  return {
    image: /^(d\d+|u[0-9a-f]+)$/.test(image) ? image : undefined,
    rows: whole(query.get("patches")?.split(",") ?? []),
    changes: (query.get("steer") ?? "").split(",").flatMap(changeOf),
    onlySelected: query.get("where") === "selected",
    keepError: query.get("error") !== "out",
    labels: query.getAll("label").filter((label) => label.trim() !== ""),
    overlay: /^\d+$/.test(show)
      ? { of: "latent", latent: Number(show) }
      : show === "moved" || show === "output" || show === "labels"
        ? { of: show }
        : undefined,
  };
}

const whole = (words: readonly string[]) =>
  [...new Set(words.filter((word) => /^\d{1,9}$/.test(word)).map(Number))].sort((a, b) => a - b);

/** "12x0" multiplies latent 12 by 0, "12s4.5" sets it to 4.5. */
function changeOf(text: string): Change[] {
  const [, latent, kind, number] = /^(\d{1,9})([xs])(-?[\d.]+(?:e[+-]?\d+)?)$/.exec(text) ?? [];
  const value = Number(number);
  if (kind === undefined || !Number.isFinite(value)) return [];
  return [{ latent: Number(latent), kind: kind === "x" ? "scale" : "set", value }];
}

/** The shortest query that says it. */
export function imageQuery(state: ImageState): URLSearchParams {
  const query = new URLSearchParams();
  const { image, rows, changes, overlay } = state;
  if (image !== undefined) query.set("image", image);
  if (rows.length > 0) query.set("patches", rows.join(","));
  if (changes.length > 0)
    query.set(
      "steer",
      changes.map(({ latent, kind, value }) => `${latent}${kind === "scale" ? "x" : "s"}${value}`).join(","),
    );
  if (state.onlySelected) query.set("where", "selected");
  if (!state.keepError) query.set("error", "out");
  if (overlay) query.set("show", overlay.of === "latent" ? String(overlay.latent) : overlay.of);
  for (const label of state.labels) query.append("label", label);
  return query;
}
