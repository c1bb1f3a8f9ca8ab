import { mkdir, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { dataLoadDefaults } from "@saev/config";
import { SaevError } from "../../errors.js";
import { makeFolder } from "../../io/make-folder.js";
import type { LongCallOptions } from "../../native/call.js";
import type { SparseAutoencoder } from "../sparse-autoencoder.js";
import { dictionaryLearning } from "./dictionary-learning.js";
import type { CheckpointFormat } from "./format.js";
import { saelens } from "./saelens.js";
import { sparsify } from "./sparsify.js";

/** Layouts of other tools that can be read and written. */
export const checkpointFormats: readonly CheckpointFormat[] = [saelens, sparsify, dictionaryLearning];

/** The format of another tool that `path` is in, by its content; undefined when it is in none of them. */
export async function recogniseCheckpoint(where: string): Promise<CheckpointFormat | undefined> {
  for (const format of checkpointFormats) if (await format.recognises(where)) return format;
  return undefined;
}

/**
 * Writes an SAE in another tool's layout, its scaling folded in. The folder appears when it is whole; what is in one already is left alone.
 * @param format a name of {@link checkpointFormats}.
 * @returns what the format has no place for although latents stay the same, as sentences; empty where it keeps all.
 * @throws SaevError `INVALID_ARGUMENT` for an unknown format or a folder that is not empty, `UNSUPPORTED` with the
 * reason for what the format cannot hold, `IO`.
 */
export async function exportCheckpoint(
  dir: string,
  sae: SparseAutoencoder,
  format: string,
  options?: LongCallOptions,
): Promise<readonly string[]> {
  const known = checkpointFormats.find(({ name }) => name === format);
  if (known === undefined) {
    const names = checkpointFormats.map(({ name }) => name).join(", ");
    throw new SaevError("INVALID_ARGUMENT", `unknown checkpoint format ${format}; there is ${names}`);
  }
  const there = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new SaevError("IO", `cannot write ${dir}: ${error.message}`, { cause: error });
  });
  if (there.length > 0)
    throw new SaevError("INVALID_ARGUMENT", `${dir} is not empty; name a folder that is new or empty`);
  const parent = path.dirname(path.resolve(dir));
  makeFolder(parent);
  const temporary = path.join(parent, `.${path.basename(path.resolve(dir))}.${process.pid}.tmp`);
  try {
    await mkdir(temporary);
    using plain = sae.scaling === undefined ? undefined : sae.unscaled();
    await known.write(temporary, plain ?? sae, options);
    await rename(temporary, dir);
    return [...clampNotKept(sae, format), ...known.notKept(sae)];
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    if (error instanceof SaevError) throw error;
    throw new SaevError("IO", `cannot write ${dir}: ${(error as Error).message}`, { cause: error });
  }
}

/** A clamp of activations is no part of any other layout; one at its default cuts nothing but outliers. */
function clampNotKept({ scaling }: SparseAutoencoder, format: string): string[] {
  const clamp = scaling?.clamp ?? Number.POSITIVE_INFINITY;
  if (clamp >= dataLoadDefaults.clamp) return [];
  return [
    `the clamp is not kept: this SAE was trained on activations cut to ±${clamp}, which ${format} has no place for; cut yours before you encode them`,
  ];
}
