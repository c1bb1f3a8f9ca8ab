import { readFile } from "node:fs/promises";
import path from "node:path";
import { SaevError } from "../../errors.js";

/** The checkpoint's folder, of which `where` may also name the weights. */
export const folderOf = (where: string, weightsName: string): string =>
  path.basename(where) === weightsName ? path.dirname(where) : where;

/** The JSON object in a checkpoint's config. @throws SaevError `BAD_FILE`. */
export async function readConfig(dir: string, configName: string): Promise<Record<string, unknown>> {
  const file = path.join(dir, configName);
  let cfg: unknown;
  try {
    cfg = JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    throw new SaevError("BAD_FILE", `cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
  if (typeof cfg === "object" && cfg !== null && !Array.isArray(cfg)) return cfg as Record<string, unknown>;
  throw new SaevError("BAD_FILE", `${file}: expected a JSON object`);
}
