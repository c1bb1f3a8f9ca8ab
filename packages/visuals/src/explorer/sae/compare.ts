import { nearestRows, SaevError } from "@saev/core";
import type { Comparison } from "../api.js";
import type { OpenView } from "../views/open-view.js";
import { livingRows } from "./decoder.js";

/** Candidates looked at for each latent. */
const candidates = 16;

/** The last comparisons, by view and view: on a large pair each takes seconds. */
const known = new WeakMap<OpenView, WeakMap<OpenView, Promise<Comparison>>>();

/** As {@link compareAnew}, once for each pair as long as they are open. */
export function compareViews(a: OpenView, b: OpenView): Promise<Comparison> {
  const withA = known.get(a) ?? new WeakMap<OpenView, Promise<Comparison>>();
  known.set(a, withA);
  let compared = withA.get(b);
  if (!compared) {
    compared = compareAnew(a, b);
    withA.set(b, compared);
    // What is missing may be there the next time.
    compared.catch(() => withA.delete(b));
  }
  return compared;
}

/**
 * Pairs the latents of two SAEs that fire, one to one, by the cosine of their decoder directions: the most alike pair first,
 * then the most alike of the rest. For each latent its 16 nearest of the other SAE take part; one whose 16 are all taken
 * by better pairs has no partner.
 * @throws SaevError `SHAPE_MISMATCH` when their activations have different widths; as {@link livingRows}.
 */
async function compareAnew(a: OpenView, b: OpenView): Promise<Comparison> {
  const [left, right] = [await livingRows(a), await livingRows(b)];
  const [, widthA] = left.rows.shape;
  const [, widthB] = right.rows.shape;
  if (widthA !== widthB) {
    throw new SaevError(
      "SHAPE_MISMATCH",
      `${a.title} is of activations of width ${widthA}, ${b.title} of ${widthB}: their directions cannot be compared`,
    );
  }
  const { index, cosine } = await nearestRows(left.rows, right.rows, candidates);
  const pairs = matchGreedily(index.toTypedArray() as Int32Array, cosine.toFloat32Array(), {
    k: index.shape[1]!,
    others: right.latents.length,
  });
  left.rows.dispose();
  right.rows.dispose();
  const taken = { a: new Set(pairs.map((p) => p.row)), b: new Set(pairs.map((p) => p.other)) };
  return {
    pairs: pairs.map(({ row, other, cosine: c }) => [left.latents[row]!, right.latents[other]!, c]),
    onlyA: [...left.latents].filter((_, row) => !taken.a.has(row)),
    onlyB: [...right.latents].filter((_, row) => !taken.b.has(row)),
  };
}

export interface Match {
  readonly row: number;
  readonly other: number;
  readonly cosine: number;
}

/** One-to-one pairs out of each row's `k` candidates, best first; equals by row, then by candidate. */
export function matchGreedily(
  index: Int32Array,
  cosine: Float32Array,
  { k, others }: { readonly k: number; readonly others: number },
): Match[] {
  const order = Uint32Array.from(index.keys()).sort((x, y) => cosine[y]! - cosine[x]! || x - y);
  const rowTaken = new Uint8Array(index.length / Math.max(k, 1));
  const otherTaken = new Uint8Array(others);
  const matches: Match[] = [];
  for (const at of order) {
    const row = Math.floor(at / k);
    const other = index[at]!;
    if (rowTaken[row] || otherTaken[other]) continue;
    rowTaken[row] = 1;
    otherTaken[other] = 1;
    matches.push({ row, other, cosine: cosine[at]! });
  }
  return matches;
}
