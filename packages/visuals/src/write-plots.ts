import path from "node:path";
import type { Visuals } from "@saev/config";
import { type LatentStatistics, makeFolder } from "@saev/core";
import { distributionPlot, frequencyPlot } from "./plots.js";
import { latentLogs } from "./select-latents.js";
import { writePlot } from "./write-plot.js";

/**
 * Writes `plots/distributions.{svg,png}` (the first `n_distributions` latents) and `plots/frequency.{svg,png}`.
 * @returns the SVG of the latter.
 */
export async function writePlots(
  folder: string,
  cfg: Visuals,
  stats: LatentStatistics,
  sparsity: Float32Array,
  meanValues: Float32Array,
  shown: ReadonlySet<number>,
): Promise<string> {
  const plots = path.join(folder, "plots");
  makeFolder(plots);
  const panels = Array.from({ length: Math.min(cfg.n_distributions, stats.dSae) }, (_, latent) => ({
    latent,
    histogram: stats.histogram(latent),
    percentiles: { [`p${cfg.percentile}`]: stats.firingPercentile(latent, cfg.percentile) },
    frequency: sparsity[latent]!,
  }));
  if (panels.length > 0) await writePlot(plots, "distributions", distributionPlot(panels));
  // Dead latents have no place among frequencies: leave them out of the axes, whatever epsilon is.
  const points = Array.from(sparsity, (frequency, latent) => ({
    ...latentLogs(frequency, meanValues[latent]!, 0),
    shown: shown.has(latent),
  }));
  const overview = frequencyPlot(points, {
    logFreqRange: cfg.log_freq_range,
    logValueRange: cfg.log_value_range,
  });
  await writePlot(plots, "frequency", overview);
  return overview;
}
