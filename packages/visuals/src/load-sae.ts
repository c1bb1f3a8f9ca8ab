import { readSaeFile, SaevError, SparseAutoencoder } from "@saev/core";

/** The SAE of a checkpoint `sae.pt`, with the encoder's formula that its schema says. */
export async function loadSae(file: string): Promise<SparseAutoencoder> {
  const { header, tensors } = await readSaeFile(file);
  const tensor = (name: string) => {
    const found = tensors.get(name);
    if (!found)
      throw new SaevError(
        "BAD_FILE",
        `${file}: expected a tensor ${name}, found ${[...tensors.keys()].join(", ")}`,
      );
    return found;
  };
  const schema = header.schema;
  return SparseAutoencoder.from(
    { wEnc: tensor("W_enc"), bEnc: tensor("b_enc"), wDec: tensor("W_dec"), bDec: tensor("b_dec") },
    schema === undefined || schema === 1 ? "centred" : "raw",
  );
}
