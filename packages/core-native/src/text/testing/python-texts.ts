import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import {
  hasPythonModels,
  python,
  pythonEnvironment,
  pythonPackages,
} from "../../vit/testing/python-models.js";

/** What open_clip's own code makes of texts. */
export interface PythonTexts {
  /** Holds a folder for each case. */
  readonly folder: string;
  readonly cases: Readonly<Record<string, { readonly context: number; readonly vocabulary: number }>>;
  /** The tokens of each text by CLIP's own tokeniser, without begin and end. */
  readonly words: readonly (readonly number[])[];
}

/** Whether open_clip and what it cleans texts with are here. */
export const hasPythonTexts = hasPythonModels && existsSync(path.join(pythonPackages, "ftfy"));

/** Makes all models of python_texts.py in a new folder. */
export function makePythonTexts(texts: readonly string[]): PythonTexts {
  const folder = path.join(mkdtempSync(path.join(os.tmpdir(), "saev-python-texts-")), "models");
  mkdirSync(folder);
  const script = path.join(import.meta.dirname, "python_texts.py");
  const input = JSON.stringify({ texts });
  execFileSync(python, [script, folder], {
    env: pythonEnvironment,
    input,
    stdio: ["pipe", "ignore", "inherit"],
  });
  return { folder, ...JSON.parse(readFileSync(path.join(folder, "cases.json"), "utf8")) };
}
