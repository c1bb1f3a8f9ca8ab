/**
 * Writes a shard folder of made-up activations; run in a process of its own, to be killed or to meet a full disk.
 *   shards-child.mjs DUMP METADATA PAUSE (JSON; milliseconds after each batch)
 * Says from which image on, and "done". Plain JavaScript on the compiled packages: it is started often.
 */
import { ShardWriter, Tensor } from "@saev/core";

const [dumpTo, json, pause] = process.argv.slice(2);
const m = JSON.parse(json);
const per = m.layers.length * (m.n_patches_per_img + 1) * m.d_vit;
const writer = await ShardWriter.open(dumpTo, m);
console.log("from", writer.nextImage);
for (let i = writer.nextImage; i < m.n_imgs; i = writer.nextImage) {
  const n = Math.min(16, m.n_imgs - i);
  const data = Float32Array.from({ length: n * per }, (_, k) => Math.fround(Math.sin(i * per + k)));
  const acts = Tensor.from(data, [n, m.layers.length, m.n_patches_per_img + 1, m.d_vit]);
  await writer.write(acts, { holes: i % 48 === 0 ? [3] : [] });
  if (Number(pause)) await new Promise((resolve) => setTimeout(resolve, Number(pause)));
}
await writer.finish();
console.log("done");
