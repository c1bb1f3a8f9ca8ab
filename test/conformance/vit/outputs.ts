import path from "node:path";
import { TensorFile, ViT } from "@saev/core";
import type { Outcome } from "../area.js";
import { activationTolerance, deviation, type Model, type Outputs } from "./compare.js";
import { embedding } from "./embedding.js";
import { normedPatches } from "./normed-patches.js";

/** What follows a model's last block, where the reference has it: the embedding, and patches after the final norm. */
export async function* outputs(folder: string, name: string, about: Model): AsyncIterable<Outcome> {
  const dir = path.join(folder, "vit", name);
  using reference = await TensorFile.open(path.join(dir, "reference.safetensors"));
  const [there] = ["out_cls", "out", "out_patches"].filter((tensor) => reference.names().includes(tensor));
  if (there === undefined) return;
  using sample = reference.get(there);
  using inputs = await TensorFile.open(path.join(folder, "vit", about.input));
  using all = inputs.get("input");
  using input = all.narrow(0, 0, sample.shape[0]!);
  using vit = await ViT.load(about.family, dir);
  using stream = await vit.residual(input, -1);
  using ours = await vit.continueFrom(-1, stream);
  const given: Outputs = { about, dir, reference, stream, embedding: ours.embedding };
  for (const output of [await embedding(given), await normedPatches(given)]) {
    if (!output) continue;
    yield {
      subject: `vit/${name} ${output.tensor}`,
      deviation: deviation(output.ours, output.theirs),
      tolerance: activationTolerance,
      note: `${output.note}, relative to the root mean square`,
    };
  }
}
