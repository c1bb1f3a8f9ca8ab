import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

/** A small model that Python made, in the layout of a hub, with what its own code computes beside it. */
export interface PythonModel {
  readonly family: string;
  readonly n_layers: number;
  readonly d_vit: number;
  readonly cls_token: boolean;
  /** Tokens between CLS and patches. */
  readonly registers: number;
  readonly n_patches: number;
}

const repository = path.resolve(import.meta.dirname, "../../../../..");
/** Where set-up puts transformers and timm (scripts/requirements-models.txt). */
export const pythonPackages = path.join(repository, ".cache/python-models");

/** What Python runs with, for all that compares with these packages. */
export const pythonEnvironment = {
  ...process.env,
  PYTHONPATH: pythonPackages,
  HF_HUB_OFFLINE: "1",
  PYTHONWARNINGS: "ignore",
};
export const python = process.env.SAEV_PYTHON ?? path.join(repository, ".cache/python/bin/python");

/** Whether Python with torch, transformers and timm is here; what compares with them is skipped where it is not. */
export const hasPythonModels =
  existsSync(path.join(pythonPackages, "transformers")) &&
  spawnSync(python, ["-c", "import torch, safetensors, PIL"], { env: pythonEnvironment }).status === 0;
if (!hasPythonModels)
  console.warn(
    "no transformers and timm (node scripts/setup.mjs installs them): comparisons with them are skipped",
  );

/** Makes all models of python_models.py in a new folder, with `pictures` for input. */
export function makePythonModels(pictures: string): { folder: string; cases: Record<string, PythonModel> } {
  const folder = path.join(mkdtempSync(path.join(os.tmpdir(), "saev-python-models-")), "models");
  mkdirSync(folder);
  const script = path.join(import.meta.dirname, "python_models.py");
  execFileSync(python, [script, folder, pictures], {
    env: pythonEnvironment,
    stdio: ["ignore", "ignore", "inherit"],
  });
  return { folder, cases: JSON.parse(readFileSync(path.join(folder, "cases.json"), "utf8")) };
}
