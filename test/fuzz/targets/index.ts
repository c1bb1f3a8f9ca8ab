import type { FuzzTarget } from "../target.js";
import { listCsv, listJsonl, parquet, saeHeader, shardFolder, tar } from "./files.js";
import { modelConfig } from "./model-config.js";
import { bmp, images, pnm } from "./pictures.js";

/** The parsers in TypeScript. */
export const targets: readonly FuzzTarget[] = [
  bmp,
  pnm,
  images,
  tar,
  parquet,
  listCsv,
  listJsonl,
  shardFolder,
  saeHeader,
  modelConfig,
];
