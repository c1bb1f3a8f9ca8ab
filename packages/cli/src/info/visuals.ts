import { existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { amount, bytes, count, figure } from "../text.js";
import type { Info } from "./info.js";
import { noteOf, type TensorNote, tensorTable } from "./tensor-file.js";

/** A visuals folder: its tables, how often its latents fire, how many of them it shows. */
export async function visualsInfo(folder: string): Promise<Info> {
  const { readTensor } = await import("@saev/core");
  const files = readdirSync(folder)
    .filter((name) => name.endsWith(".pt"))
    .sort();
  const notes: (TensorNote & { bytes: number })[] = [];
  let frequencies: Float32Array = new Float32Array();
  for (const name of files) {
    const file = path.join(folder, name);
    using tensor = await readTensor(file);
    notes.push({ ...noteOf(name, tensor), bytes: statSync(file).size });
    if (name === "sparsity.pt") frequencies = tensor.toFloat32Array();
  }
  const shape = notes.find(({ name }) => name === "top_img_i.pt")?.shape ?? [];
  const alive = frequencies.filter((f) => f > 0).sort();
  const middle = alive[Math.floor(alive.length / 2)];
  const latents = path.join(folder, "neurons");
  const shown = existsSync(latents) ? readdirSync(latents).filter((name) => /^\d+$/.test(name)).length : 0;
  const galleryFile = path.join(folder, "index.html");
  const gallery = existsSync(galleryFile) ? galleryFile : null;
  const expected = ["top_values.pt", "top_img_i.pt", "mean_values.pt", "sparsity.pt", "distributions.pt"];
  return {
    title: "visuals",
    lines: [
      ["sorted by", path.basename(path.resolve(folder)).replace(/^sort_by_/, "")],
      ["latents", `${count(frequencies.length)}, of which ${count(alive.length)} fired`],
      ...(middle === undefined
        ? []
        : [["frequency", `median ${figure(middle)} of those that fired`] as const]),
      ...(shape[1] === undefined ? [] : [["images", `${amount(shape[1], "image")} a latent`] as const]),
      ["shown", amount(shown, "latent")],
      ["gallery", gallery ?? "none"],
      ["size", bytes(notes.reduce((sum, note) => sum + note.bytes, 0))],
    ],
    below: tensorTable(notes),
    json: {
      kind: "visuals",
      path: folder,
      latents: frequencies.length,
      alive: alive.length,
      median_frequency: middle ?? null,
      top_k: shape[1] ?? null,
      shown,
      gallery,
      files: notes,
    },
    problems: [
      ...expected.filter((name) => !files.includes(name)).map((name) => `${name} is missing`),
      ...(files.some((name) => /^percentiles_p\d+\.pt$/.test(name)) ? [] : ["percentiles_p*.pt is missing"]),
    ],
  };
}
