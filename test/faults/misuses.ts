import { readdirSync } from "node:fs";
import path from "node:path";
import type { Misuse } from "./misuse.js";

/** Every misuse of the files in misuses/. */
export async function allMisuses(): Promise<Misuse[]> {
  const files = readdirSync(path.join(import.meta.dirname, "misuses")).filter((file) => file.endsWith(".ts"));
  const modules = await Promise.all(files.sort().map((file) => import(`./misuses/${file.slice(0, -3)}.ts`)));
  return modules.flatMap(({ misuses }: { misuses: Misuse[] }) => misuses);
}
