import { existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { readSaeFile, type Tensor, TensorFile } from "@saev/core";
import type { ConformanceArea, Outcome } from "../area.js";

const exact = (subject: string, deviation: number, note?: string): Outcome => ({
  subject,
  deviation,
  tolerance: 0,
  ...(note && { note }),
});

/** Entries that differ, missing ones included. */
function differences(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let n = Math.abs(a.length - b.length);
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) n++;
  return n;
}

/** Every file of tensors opens; where the same tensors lie beside as safetensors, they are the same to the bit. */
async function* run(reference: string): AsyncIterable<Outcome> {
  const files = (readdirSync(reference, { recursive: true }) as string[])
    .filter((file) => /\.(pt|pth|safetensors)$/.test(file) && statSync(path.join(reference, file)).isFile())
    .sort();
  for (const file of files) {
    const full = path.join(reference, file);
    if (path.basename(file) === "sae.pt") {
      const checkpoint = await readSaeFile(full);
      const missing = ["W_enc", "b_enc", "W_dec", "b_dec"].filter((name) => !checkpoint.tensors.has(name));
      yield exact(`${file} opens`, missing.length, [...checkpoint.tensors.keys()].join(" "));
      continue;
    }
    using opened = await TensorFile.open(full);
    yield exact(`${file} opens`, opened.names().length > 0 ? 0 : 1, `${opened.names().length} tensors`);
    const beside = path.join(path.dirname(full), "all.safetensors");
    if (!file.endsWith(".pt") || !existsSync(beside)) continue;
    using all = await TensorFile.open(beside);
    const stem = path.basename(file, ".pt").replace(/_p\d+$/, "");
    if (!all.names().includes(stem)) continue;
    const bytes = (tensor: Tensor) => new Uint8Array(tensor.toTypedArray().buffer);
    const [ours, theirs] = [opened.get(""), all.get(stem)];
    yield exact(
      `${file} equals all.safetensors`,
      differences(ours.shape, theirs.shape) + differences(bytes(ours), bytes(theirs)),
      "bytes that differ",
    );
  }
}

export const tensors: ConformanceArea = { name: "tensors", run };
