import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import { python } from "../../../io/python.test-util.js";

const cache = path.resolve(import.meta.dirname, "../../../../../../.cache");
/** SAELens, sparsify and dictionary_learning; what they import of the other folders is there already. */
const folders = ["python-saes", "python-models", "python-tables"].map((name) => path.join(cache, name));
const missing = folders.filter((folder) => !existsSync(path.join(folder, "installed.txt")));

/** Whether the packages can be asked. */
export const hasPackages = python !== undefined && missing.length === 0;
if (!hasPackages)
  console.warn(
    `skipping SAELens, sparsify and dictionary_learning themselves: ${missing.map((folder) => `.cache/${path.basename(folder)} is not there`).join(", ") || "no Python"}; npm run setup`,
  );

/** Of python-models: transformers without torchvision, whose compiled part may be for another torch. */
const ofModels = /^(transformers|tokenizers|regex)\b/;

/** Runs python_saes.py in `root`. @throws Error with what Python said. */
export function runPackages(root: string): void {
  const [saes, models, tables] = folders as [string, string, string];
  const links = path.join(root, "links");
  mkdirSync(links);
  for (const name of readdirSync(models).filter((entry) => ofModels.test(entry)))
    symlinkSync(path.join(models, name), path.join(links, name));
  const { PYTHONDONTWRITEBYTECODE: _, ...kept } = process.env;
  // Hundreds of modules: compiled once, by the first run. Nothing is asked of the network.
  const env = { ...kept, PYTHONPATH: [saes, links, tables].join(path.delimiter) };
  const done = spawnSync(python as string, [path.join(import.meta.dirname, "python_saes.py"), root], {
    encoding: "utf8",
    env: { ...env, HF_HUB_OFFLINE: "1", HF_DATASETS_OFFLINE: "1", WANDB_MODE: "disabled" },
  });
  if (done.status !== 0) throw new Error(done.stderr);
}
