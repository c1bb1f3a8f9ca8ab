import type { Metrics } from "../explorer/api.js";

/** A figure of a run at a step. */
export interface CurvePoint {
  readonly step: number;
  readonly value: number;
  /** Whether it is of activations that the run does not train on. */
  readonly validation: boolean;
}

const validation = "val_";

/**
 * Names of the figures in some runs' metrics. One that is measured on activations that are not trained on too has its name once:
 * both are drawn.
 */
export function curveNames(runs: readonly Metrics[]): string[] {
  const found = new Set<string>();
  for (const metrics of runs) {
    // The two sorts of lines, the last of each.
    for (const entry of [metrics.findLast((e) => !isValidation(e)), metrics.findLast(isValidation)])
      for (const [name, value] of Object.entries(entry ?? {}))
        if (typeof value === "number" && name !== "step") found.add(name);
  }
  return [...found].filter(
    (name) => !(name.startsWith(validation) && found.has(name.slice(validation.length))),
  );
}

/** A figure over the steps of a run, what is not trained on included. */
export function curvePoints(metrics: Metrics, name: string): CurvePoint[] {
  const plain = name.startsWith(validation) ? name.slice(validation.length) : name;
  return metrics.flatMap((entry) => {
    const validated = isValidation(entry);
    const value = entry[validated ? `${validation}${plain}` : plain];
    return typeof value === "number" && Number.isFinite(value)
      ? [{ step: entry.step as number, value, validation: validated }]
      : [];
  });
}

/** More points of a curve than this do not fit on a screen. */
const mostPoints = 2000;

/** A long curve by the smallest and the largest value of each stretch, in order: spikes stay. */
export function thinned(points: readonly CurvePoint[], most = mostPoints): readonly CurvePoint[] {
  if (points.length <= most) return points;
  const length = Math.ceil(points.length / (most / 2));
  const out: CurvePoint[] = [];
  for (let start = 0; start < points.length; start += length) {
    const stretch = points.slice(start, start + length);
    let [low, high] = [stretch[0]!, stretch[0]!];
    for (const point of stretch) {
      if (point.value < low.value) low = point;
      if (point.value > high.value) high = point;
    }
    if (low === high) out.push(low);
    else out.push(...(low.step < high.step ? [low, high] : [high, low]));
  }
  return out;
}

const isValidation = (entry: Readonly<Record<string, unknown>>): boolean => `${validation}mse` in entry;
