import type { Progress } from "./reporter.js";

/** Progress of a download, in megabytes: amounts that people can read. */
export function downloadProgress(label: string, done: number, total = done): Progress {
  return { label, done: Math.round(done / 1e6), total: Math.round(total / 1e6), unit: "MB" };
}
