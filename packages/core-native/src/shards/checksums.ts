import { readFile } from "node:fs/promises";
import path from "node:path";
import { SaevError } from "../errors.js";

/** Our file of checksums beside the shards, as `sha256sum` writes and checks them. */
export const checksumsFile = "SHA256SUMS";

/** SHA-256 in hex by file name; empty when the folder has no such file. Lines that are no checksums are left out. */
export async function readChecksums(dir: string): Promise<ReadonlyMap<string, string>> {
  const file = path.join(dir, checksumsFile);
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw new SaevError("IO", `cannot read ${file}: ${error.message}`, { cause: error });
  });
  return new Map(
    [...text.matchAll(/^([0-9a-f]{64}) [ *](acts\d{6,}\.bin)$/gm)].map(([, hex, name]) => [name!, hex!]),
  );
}

/** The text of such a file. */
export const checksumsText = (sums: ReadonlyMap<string, string>): string =>
  [...sums].map(([name, hex]) => `${hex}  ${name}\n`).join("");
