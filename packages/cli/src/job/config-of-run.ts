import { readFileSync } from "node:fs";
import path from "node:path";
import { CommandError } from "../errors.js";

/**
 * The config of a training run's folder, with its kinds, from run.json.
 * @throws CommandError when there is none.
 */
export function configOfRun(folder: string): Record<string, unknown> {
  const file = path.join(folder, "run.json");
  try {
    const { config } = JSON.parse(readFileSync(file, "utf8")) as { config?: unknown };
    if (typeof config === "object" && config !== null) return config as Record<string, unknown>;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new CommandError(
      missing ? "NOT_FOUND" : "BAD_FILE",
      `--resume ${folder}: expected a training run (a folder with run.json): ${(error as Error).message}`,
    );
  }
  throw new CommandError("BAD_FILE", `--resume ${folder}: ${file} holds no config`);
}
