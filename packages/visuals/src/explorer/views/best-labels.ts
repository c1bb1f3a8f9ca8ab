import type { BestLabels } from "../api.js";
import type { OpenView } from "./open-view.js";

const known = new WeakMap<OpenView, Promise<BestLabels>>();

/** Labels of all latents' best images, read when they are first asked for. */
export function bestLabels(view: OpenView): Promise<BestLabels> {
  let labels = known.get(view);
  if (!labels) {
    labels = read(view);
    known.set(view, labels);
    labels.catch(() => known.delete(view));
  }
  return labels;
}

async function read({ dataset, tables }: OpenView): Promise<BestLabels> {
  const labels = new Map<string, number>();
  if (!dataset) return { labels: [], best: new Array<number>(tables.dSae).fill(-1) };
  const ofImage = new Map<number, number>();
  // In the dataset's order: files that hold many images are read through once.
  const images = [...new Set(tables.best)].filter((i) => i >= 0 && i < dataset.length).sort((a, b) => a - b);
  for (const image of images) {
    const label = await dataset.label(image);
    if (label === "") continue;
    if (!labels.has(label)) labels.set(label, labels.size);
    ofImage.set(image, labels.get(label)!);
  }
  return { labels: [...labels.keys()], best: Array.from(tables.best, (image) => ofImage.get(image) ?? -1) };
}
