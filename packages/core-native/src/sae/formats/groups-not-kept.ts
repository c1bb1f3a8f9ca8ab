import type { SparseAutoencoder } from "../sparse-autoencoder.js";

/** That `where` has no place for an SAE's Matryoshka groups, as sentences; empty for an SAE without. */
export const groupsNotKept = ({ groupSizes }: SparseAutoencoder, where: string): readonly string[] =>
  groupSizes === undefined
    ? []
    : [
        `the sizes of its Matryoshka groups (${groupSizes.join(", ")}) are not kept: ${where} has no place for them`,
      ];
