import { existsSync } from "node:fs";
import path from "node:path";
import { SaevError } from "../errors.js";
import { makeFolder } from "../io/make-folder.js";
import type { LongCallOptions } from "../native/call.js";
import { headerOf, type PythonSchema } from "./python-schemas.js";
import type { SparseAutoencoder } from "./sparse-autoencoder.js";

/**
 * Writes `sae.pt` into `dir` for the Python package in one of its forms. Written in the one that it was read in, an SAE has the same
 * header and the same bits.
 * @returns what the package will not read of the file, as sentences.
 * @throws SaevError `UNSUPPORTED` with the reason for what the package cannot hold, `INVALID_ARGUMENT` where a sae.pt is there, `IO`.
 */
export async function exportForPython(
  dir: string,
  sae: SparseAutoencoder,
  schema: PythonSchema,
  options?: LongCallOptions,
): Promise<readonly string[]> {
  const { activation } = sae;
  if (activation.kind === "jump-relu" || activation.kind === "gated")
    throw new SaevError(
      "UNSUPPORTED",
      `the Python package has relu, top-k and batch-top-k SAEs; this one is ${activation.kind}`,
    );
  headerOf(sae, schema);
  const file = path.join(dir, "sae.pt");
  if (existsSync(file))
    throw new SaevError("INVALID_ARGUMENT", `${file} is there already; name another folder`);
  makeFolder(dir);
  await sae.save(file, {}, { ...options, schema });
  const notRead: string[] = [];
  if (sae.scaling)
    notRead.push(
      "its scaling is in the header, which the Python package does not read: there, encode (clamp(x) - act_mean) / scalar",
    );
  if (activation.kind === "top-k" && activation.relu !== false)
    notRead.push(
      "the ReLU after its selection is not kept: a row with fewer than top_k positive values keeps values below 0 in the Python package",
    );
  if (sae.groupSizes)
    notRead.push(
      "the sizes of its Matryoshka groups are in the header, which the Python package does not read",
    );
  return notRead;
}
