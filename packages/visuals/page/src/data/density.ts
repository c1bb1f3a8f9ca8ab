/** Places in a plane, those without a finite place left out. */
export interface Points {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

/** A cell of a grid, and how many points lie in it. */
export interface Cell {
  readonly x1: number;
  readonly x2: number;
  readonly y1: number;
  readonly y2: number;
  readonly count: number;
}

/**
 * Counts points in a grid of about `columns` × `rows` equal cells; cells without points are left out. A plot library bins too, but
 * keeps lists of points to do it, which for 100,000 of them takes longer than drawing the cells.
 */
export function densityOf({ x, y }: Points, columns: number, rows: number): Cell[] {
  const [across, up] = [edgesOf(x, columns), edgesOf(y, rows)];
  if (across.length === 0 || up.length === 0) return [];
  const perColumn = up.length - 1;
  const counts = new Uint32Array((across.length - 1) * perColumn);
  for (let i = 0; i < x.length; i++) counts[cellAt(across, x[i]!) * perColumn + cellAt(up, y[i]!)]!++;
  const cells: Cell[] = [];
  for (const [i, count] of counts.entries()) {
    if (count === 0) continue;
    const [column, row] = [Math.floor(i / perColumn), i % perColumn];
    const [x1, x2] = [across[column]!, across[column + 1]!];
    cells.push({ x1, x2, y1: up[row]!, y2: up[row + 1]!, count });
  }
  return cells;
}

/** Edges of about `n` equal cells from the least to the largest value; none where all are equal. */
function edgesOf(values: Float64Array, n: number): number[] {
  let [lo, hi] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    lo = Math.min(lo, value);
    hi = Math.max(hi, value);
  }
  const count = Math.max(1, Math.round(n));
  // The first is in the middle of its cell: many latents fire exactly once, and their dots lie there.
  const step = (hi - lo) / count;
  return lo < hi ? Array.from({ length: count + 2 }, (_, i) => lo + step * (i - 0.5)) : [];
}

/** The cell that holds a value between the first and the last edge. */
function cellAt(edges: readonly number[], value: number): number {
  const guess = Math.floor(((value - edges[0]!) / (edges.at(-1)! - edges[0]!)) * (edges.length - 1));
  // Of an edge itself, rounding may have gone to either side.
  if (value < edges[guess]!) return guess - 1;
  return value >= edges[guess + 1]! ? guess + 1 : guess;
}
