import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import type { ConformanceArea } from "./area.js";

const here = import.meta.dirname;

/**
 * Where the reference is when nobody says: `SAEV_REFERENCE`, else `shared/reference` beside the repository, else the
 * small one that every checkout has.
 */
export function referenceFolder(): string {
  const { SAEV_REFERENCE } = process.env;
  if (SAEV_REFERENCE) return path.resolve(SAEV_REFERENCE);
  const beside = path.resolve(here, "../../../shared/reference");
  return existsSync(beside) ? beside : path.resolve(here, "../fixtures/reference");
}

/** Whether there is a reference to compare with. */
export const hasReference = (folder: string): boolean => existsSync(folder);

/** File names of all areas, without extension, in order. */
export function areaNames(): string[] {
  const folder = path.join(here, "areas");
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
    .map((file) => file.slice(0, -3))
    .sort();
}

/** Loads `areas/<name>.ts`: its default export, or the one export that has `name` and `run`. */
export async function loadArea(name: string): Promise<ConformanceArea> {
  const module = (await import(`./areas/${name}.ts`)) as Record<string, unknown>;
  const area = [module.default, ...Object.values(module)].find(isArea);
  if (!area) throw new Error(`test/conformance/areas/${name}.ts exports no ConformanceArea`);
  return area;
}

function isArea(value: unknown): value is ConformanceArea {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as ConformanceArea).name === "string" &&
    typeof (value as ConformanceArea).run === "function"
  );
}
