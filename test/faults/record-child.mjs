/**
 * Records a folder of pictures; run in a process of its own, to be killed or to meet a full disk.
 *   record-child.mjs MODEL IMAGES DUMP [N_PARTS PART]
 * Prints one JSON line for each batch, and the result. Plain JavaScript on the compiled packages: it is started often, and starting
 * from source takes a second more.
 */
import { parseActivations } from "@saev/config";
import { recordActivations } from "@saev/core";

const [model, images, dump, nParts = "1", part = "0"] = process.argv.slice(2);
const cfg = parseActivations({
  data: { root: images },
  dump_to: dump,
  vit_ckpt: model,
  vit_batch_size: 4,
  n_workers: 2,
  d_vit: 12,
  vit_layers: [-1, 1],
  n_patches_per_img: 4,
  n_patches_per_shard: 2 * 5 * 7,
  device: "cpu",
  n_parts: Number(nParts),
  part: Number(part),
});
const print = (value) => console.log(JSON.stringify(value));
try {
  print(await recordActivations(cfg, { onProgress: print }));
} catch (error) {
  const { name, message } = error;
  print({ name, message });
  process.exitCode = 1;
}
