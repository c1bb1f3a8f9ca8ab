import path from "node:path";
import { ShardFolder } from "@saev/core";
import type { LatentExamplesPage, LatentImage } from "../api.js";
import { atQuantiles, type Example, type Examples, shuffled } from "./examples.js";
import { labelStatistics } from "./labels.js";
import { monosemanticity } from "./monosemanticity.js";
import type { OpenView } from "./open-view.js";

const nQuantiles = 8;
const nRandom = 8;
const nSilent = 6;
const nCompanions = 12;
/** Top images whose embeddings are compared. */
const nCompared = 24;

/** The examples that a page shows, in the order of `examples.bin`. */
function shown(examples: Examples, latent: number) {
  const all = examples.of(latent);
  return { all, quantiles: atQuantiles(all, nQuantiles), random: shuffled(all, latent).slice(0, nRandom) };
}

/** What a latent responds to beyond its top images; null where the folder has no sample. */
export async function examplesPage(view: OpenView, latent: number): Promise<LatentExamplesPage | null> {
  const { examples } = view;
  if (!examples) return null;
  const { all, quantiles, random } = shown(examples, latent);
  const labels: string[] = [];
  for (const { image } of all) labels.push((await view.caption(image)).label);
  return {
    count: examples.count(latent),
    sampled: all.length,
    quantiles: await Promise.all(
      quantiles.map(async ({ item, quantile }) => ({ ...(await listed(view, item)), quantile })),
    ),
    random: await Promise.all(random.map((example) => listed(view, example))),
    silent: await Promise.all(
      examples
        .silent(latent, nSilent)
        .map(async (image) => ({ image, score: 0, ...(await view.caption(image)) })),
    ),
    ...labelStatistics(labels),
    companions: examples.companions(latent, nCompanions),
    monosemanticity: (await similarity(view, latent)) ?? null,
  };
}

/** `examples.bin`. */
export function exampleMaps(view: OpenView, latent: number): Float32Array {
  if (!view.examples) return new Float32Array();
  const { quantiles, random } = shown(view.examples, latent);
  const maps = [...quantiles.map(({ item }) => item.map), ...random.map(({ map }) => map)];
  const out = new Float32Array(maps.length * view.tables.patches);
  maps.forEach((map, i) => {
    out.set(map, i * view.tables.patches);
  });
  return out;
}

async function listed(view: OpenView, { image, value, map }: Example): Promise<LatentImage> {
  const topPatch = map.indexOf(value);
  return { image, score: value, ...(map.length > 1 && { topPatch }), ...(await view.caption(image)) };
}

/** How alike the top images are in the eyes of the ViT: its CLS token where there is one, else the mean of the patches. */
async function similarity(view: OpenView, latent: number): Promise<number | undefined> {
  if (!view.cfg) return undefined;
  const { images, scores } = view.tables.ranked(latent);
  try {
    const shards = await ShardFolder.open(path.resolve(view.base, view.cfg.data.shard_root));
    const embeddings: Float32Array[] = [];
    for (const image of images.slice(0, nCompared)) embeddings.push(await embedding(shards, view, image));
    return monosemanticity(embeddings, scores.slice(0, nCompared));
  } catch {
    // The shards may have been deleted long ago: everything else is there.
    return undefined;
  }
}

async function embedding(shards: ShardFolder, view: OpenView, image: number): Promise<Float32Array> {
  const { d_vit: dVit, cls_token: cls, layers } = shards.metadata;
  const layer = view.cfg!.data.layer;
  const place = typeof layer === "number" ? shards.layerPlace(layer) : layers.length - 1;
  const perLayer = shards.tokensPerImage * dVit;
  // The CLS token comes first: what a page needs of 24 images is then a few kilobytes and not many megabytes.
  const all = await shards.readValues(image, place * perLayer, cls ? dVit : perLayer);
  if (cls) return all;
  const mean = new Float32Array(dVit);
  for (let i = 0; i < all.length; i++) mean[i % dVit]! += all[i]!;
  return mean;
}
