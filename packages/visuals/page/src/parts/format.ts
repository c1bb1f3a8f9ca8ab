/** Numbers as people read them. */

/** Three significant digits; a dash for what is no number. */
export function figure(x: number | null | undefined): string {
  if (x === null || x === undefined || !Number.isFinite(x)) return "–";
  const size = Math.abs(x);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return x.toExponential(1).replace("e+", "e");
  return String(Number(x.toPrecision(3)));
}

/** log10 of a fraction with two digits: "−3.21"; a dash for zero. */
export const log10 = (x: number): string => (x > 0 ? Math.log10(x).toFixed(2).replace("-", "−") : "–");

/** "12,345". `toLocaleString` does the same, after the browser has read its tables of languages for 50 ms. */
export const count = (n: number): string => String(n).replaceAll(/\B(?=(\d{3})+$)/g, ",");

export const amount = (n: number, one: string, many = `${one}s`): string =>
  `${count(n)} ${n === 1 ? one : many}`;
