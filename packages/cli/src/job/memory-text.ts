import type { PlannedRound } from "@saev/core";
import { bytes } from "../text.js";

/** What a round takes, and what of. */
export function memoryText({ memory }: PlannedRound): string {
  const { total, parameters, moments, gradients, pairs, batches, buffer, vit, validation, work } = memory;
  return (
    `${bytes(total)}: parameters ${bytes(parameters)}, moments ${bytes(moments)}, gradients ${bytes(gradients)}, ` +
    `active latents ${bytes(pairs)}, two batches ${bytes(batches)}, ${buffer > 0 ? `shuffle buffer ${bytes(buffer)}, ` : ""}${vit > 0 ? `ViT and pictures ${bytes(vit)}, ` : ""}${validation > 0 ? `evaluation while training ${bytes(validation)}, ` : ""}working space ${bytes(work)}`
  );
}
