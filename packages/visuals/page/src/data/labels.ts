import type { BestLabels } from "../../../src/explorer/api.js";
import type { DataSource } from "./source.js";

/** The label of a latent's best image; empty where there is none, or while it is not known yet. */
export type LabelOf = (latent: number) => string;

export const noLabels: LabelOf = () => "";

/** Labels only help: a dataset that has none, or cannot be read, gives none. */
export async function loadLabels(source: DataSource, view: string): Promise<LabelOf> {
  try {
    const { labels, best } = await source.json<BestLabels>(`views/${view}/labels.json`);
    return labels.length === 0 ? noLabels : (latent) => labels[best[latent]!] ?? "";
  } catch {
    return noLabels;
  }
}
