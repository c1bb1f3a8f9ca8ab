/**
 * Cuts a small reference of the same layout from a whole one: what every checkout has under test/fixtures/reference, so
 * that conformance runs where no whole reference lies beside the repository.
 *
 *   node --import ./scripts/source/register.mjs test/conformance/cut-reference.ts FROM TO
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Tensor, type TensorData, TensorFile, writeSafetensors } from "@saev/core";

const [from, to] = process.argv.slice(2);
if (from === undefined || to === undefined) throw new Error("usage: cut-reference.ts FROM TO");

const copy = (...names: readonly string[]) => {
  for (const name of names) cpSync(path.join(from, name), path.join(to, name), { recursive: true });
};
const readJson = (name: string) => JSON.parse(readFileSync(path.join(from, name), "utf8"));
const writeJson = (name: string, value: unknown) => {
  mkdirSync(path.dirname(path.join(to, name)), { recursive: true });
  writeFileSync(path.join(to, name), `${JSON.stringify(value, null, 1)}\n`);
};

/** Rows `rows` of the first dimension. */
function rowsOf(tensor: Tensor, rows: readonly number[]): Tensor {
  const parts = rows.map((row) => tensor.narrow(0, row, 1).toTypedArray());
  const all = new (parts[0]!.constructor as Float32ArrayConstructor)(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part as Float32Array, at);
    at += part.length;
  }
  return Tensor.from(all as TensorData, [rows.length, ...tensor.shape.slice(1)], tensor.dtype);
}

async function cutTensors(name: string, cut: (name: string, tensor: Tensor) => Tensor | undefined) {
  using file = await TensorFile.open(path.join(from!, name));
  const kept: Record<string, Tensor> = {};
  for (const tensor of file.names()) {
    const small = cut(tensor, file.get(tensor));
    if (small) kept[tensor] = small;
  }
  mkdirSync(path.dirname(path.join(to!, name)), { recursive: true });
  await writeSafetensors(path.join(to!, name), kept);
}

/** One CLIP, on the three pictures whose files are smallest; the first of them for the layer sets. */
async function cutVit() {
  const models = readJson("vit/models.json");
  const clips = Object.keys(models).filter((name) => models[name].family === "clip");
  const size = (name: string) => models[name].d_vit * models[name].n_patches_per_img * models[name].n_layers;
  const name = clips.toSorted((a, b) => size(a) - size(b))[0]!;
  const model = models[name];
  const order: string[] = model.image_order;
  const bytes = (photo: string) => readFileSync(path.join(from!, "vit/images/photos", photo)).length;
  const others = order.slice(1).toSorted((a, b) => bytes(a) - bytes(b));
  const rows = [0, ...others.slice(0, 2).map((photo) => order.indexOf(photo))].toSorted((a, b) => a - b);
  const photos = rows.map((row) => order[row]!);

  const changed = {
    image_order: photos,
    n_images_in_activations: rows.length,
    n_images_in_other_layer_sets: 1,
  };
  writeJson("vit/models.json", { [name]: { ...model, ...changed } });
  const { files, ...rest } = readJson("vit/images/files.json");
  const keptFiles = Object.fromEntries(photos.map((photo) => [photo, files[photo]]));
  writeJson("vit/images/files.json", { ...rest, order: photos, files: keptFiles });
  for (const photo of photos) copy(`vit/images/photos/${photo}`);
  await cutTensors("vit/decoded.safetensors", (photo, pixels) =>
    photos.includes(photo) ? pixels : undefined,
  );
  for (const file of readdirSync(path.join(from!, "vit", name))) {
    if (file !== "reference.safetensors") copy(`vit/${name}/${file}`);
  }
  await cutTensors(`vit/${name}/reference.safetensors`, (tensor, values) =>
    rowsOf(values, tensor.startsWith("activations_") ? [0] : rows),
  );
}

/** Everything small of sae/, and the first of the traces of each version. */
function cutSae() {
  for (const name of readdirSync(path.join(from!, "sae"))) {
    if (name !== "traces" && name !== "datapoint_init.safetensors") copy(`sae/${name}`);
  }
  copy("sae/traces/data.safetensors", "sae/traces/relu-vanilla");
}

/** The tables, and the pictures of one latent. */
function cutVisuals() {
  copy("visuals");
  const index = readJson("visuals/index.json");
  for (const [mode, about] of Object.entries<Record<string, never>>(index)) {
    if (typeof about !== "object" || !("neurons" in about)) continue;
    const latents = Object.entries<{ png_kept: boolean }>(about.neurons);
    const shown = latents.find(([, latent]) => latent.png_kept)?.[0];
    for (const [latent, entry] of latents) {
      if (!entry.png_kept || latent === shown) continue;
      entry.png_kept = false;
      const dir = path.join(to!, "visuals", `sort_by_${mode}`, "neurons", latent);
      for (const file of readdirSync(dir)) if (file.endsWith(".png")) rmSync(path.join(dir, file));
    }
  }
  writeJson("visuals/index.json", index);
}

rmSync(to, { recursive: true, force: true });
mkdirSync(to, { recursive: true });
copy("config", "imaging", "shards", "versions.json");
await cutVit();
cutSae();
cutVisuals();
