/** Names of the targets in TypeScript, for those who must not load them: coverage starts before the code does. */
export const scriptTargets = [
  "bmp",
  "pnm",
  "images",
  "tar",
  "parquet",
  "list-csv",
  "list-jsonl",
  "shard-folder",
  "sae-header",
  "model-config",
] as const;
