import path from "node:path";
import {
  distributionsFpath,
  meanValuesFpath,
  percentilesFpath,
  sparsityFpath,
  topImgIFpath,
  topPatchIFpath,
  topValuesFpath,
  type Visuals,
} from "@saev/config";
import {
  type LatentStatistics,
  type LatentTables,
  type LegacyTables,
  type LongCallOptions,
  writeTensor,
} from "@saev/core";

type Options = Pick<LongCallOptions, "signal">;

/** The same file names, in the folder where results are gathered. */
const inFolder = (folder: string, file: string) => path.join(folder, path.basename(file));

/**
 * Writes the `.pt` files of a config: `top_values` float32 `[d_sae, k, patches]` (for `cls` `[d_sae, k]`), `top_img_i`
 * and (not for `cls`) `top_patch_i` int64 `[d_sae, k]`, `mean_values`, `sparsity` and `percentiles_p<p>` float32
 * `[d_sae]`, `distributions` float32 `[n_distributions, columns]`; k is `top_k` or the number of images.
 */
export async function writeTables(
  folder: string,
  cfg: Visuals,
  stats: LatentStatistics,
  tables: LatentTables,
  options: Options,
): Promise<void> {
  await stats.writeTopValues(inFolder(folder, topValuesFpath(cfg)), options);
  await writeTensor(inFolder(folder, topImgIFpath(cfg)), tables.topImgI, options);
  if (cfg.sort_by !== "cls") {
    await writeTensor(inFolder(folder, topPatchIFpath(cfg)), tables.topPatchI, options);
  }
  await writeShared(folder, cfg, tables, options);
}

/** The same for the Python package's own tables; it never writes `top_patch_i`. */
export async function writeLegacyTables(
  folder: string,
  cfg: Visuals,
  tables: LegacyTables,
  options: Options,
): Promise<void> {
  await writeTensor(inFolder(folder, topValuesFpath(cfg)), tables.topValues, options);
  await writeTensor(inFolder(folder, topImgIFpath(cfg)), tables.topImgI, options);
  await writeShared(folder, cfg, tables, options);
}

async function writeShared(
  folder: string,
  cfg: Visuals,
  tables: Pick<LegacyTables, "meanValues" | "sparsity" | "distributions" | "percentiles">,
  options: Options,
): Promise<void> {
  await writeTensor(inFolder(folder, meanValuesFpath(cfg)), tables.meanValues, options);
  await writeTensor(inFolder(folder, sparsityFpath(cfg)), tables.sparsity, options);
  await writeTensor(inFolder(folder, distributionsFpath(cfg)), tables.distributions, options);
  await writeTensor(inFolder(folder, percentilesFpath(cfg)), tables.percentiles, options);
}
