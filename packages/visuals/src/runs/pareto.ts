/** A point of which less x is better, and more or less y. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * Those that no other beats in both directions (as good in one and better in the other), by x.
 * @param higher whether more y is better.
 */
export function paretoFront<P extends Point>(points: readonly P[], higher: boolean): P[] {
  const sign = higher ? -1 : 1;
  const front: P[] = [];
  for (const point of points
    .filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y))
    .sort((a, b) => a.x - b.x || sign * (a.y - b.y))) {
    const last = front.at(-1);
    if (!last || sign * (point.y - last.y) < 0) front.push(point);
    else if (point.x === last.x && point.y === last.y) front.push(point);
  }
  return front;
}
