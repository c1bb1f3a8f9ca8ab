/** A corner of a lasso, in the coordinates of the map. */
export type Corner = readonly [x: number, y: number];

/** Whether a point lies inside a closed polygon: an odd number of its sides lie to the right. */
export function inside(polygon: readonly Corner[], x: number, y: number): boolean {
  let odd = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [ax, ay] = polygon[i]!;
    const [bx, by] = polygon[j]!;
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
  }
  return odd;
}

/** Most corners that an address holds. */
const mostCorners = 48;

/** "1.2,3.4;…": a polygon in an address, thinned to 48 corners. */
export function lassoText(polygon: readonly Corner[]): string {
  const step = Math.max(1, Math.ceil(polygon.length / mostCorners));
  return polygon
    .filter((_, i) => i % step === 0)
    .map((corner) => corner.map((c) => Number(c.toPrecision(4))).join(","))
    .join(";");
}

/** What an address says; no polygon has fewer than three corners. */
export function lassoOf(text: string | null): readonly Corner[] {
  const corners = (text ?? "").split(";").map((corner) => corner.split(",").map(Number));
  const good = corners.length >= 3 && corners.every((c) => c.length === 2 && c.every(Number.isFinite));
  return good ? (corners as [number, number][]) : [];
}
