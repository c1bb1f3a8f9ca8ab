import { Metadata, parseConfig } from "@saev/config";
import { Tensor } from "../../tensor.js";
import { ShardWriter } from "../shard-writer.js";

export interface SyntheticShards {
  readonly images: number;
  /** Of an image, without CLS. */
  readonly patches: number;
  readonly dVit: number;
  /** Default `[-1]`. */
  readonly layers?: readonly number[];
  /** Default false. */
  readonly clsToken?: boolean;
  /** Of the metadata: recordings that differ in it alone get folders of different names. Default 0. */
  readonly seed?: number;
  /** `n_patches_per_shard`. Default 400. */
  readonly perShard?: number;
  /** All activations, [images, layers, tokens, d_vit], or the one at each place of it. */
  readonly values: Float32Array | ((i: number) => number);
}

/** Numbers from −1 to 1 in no order to speak of, the same each time. */
export const scattered = (i: number): number => Math.sin((i + 1) ** 2 * 0.37);

/** Records made-up activations in a folder of `folder`. @returns the folder of the shards. */
export async function writeSyntheticShards(folder: string, shards: SyntheticShards): Promise<string> {
  const { images, patches, dVit, layers = [-1], clsToken = false, values } = shards;
  const metadata = parseConfig(Metadata, {
    vit_family: clsToken ? "clip" : "siglip",
    vit_ckpt: "synthetic",
    layers,
    n_patches_per_img: patches,
    cls_token: clsToken,
    d_vit: dVit,
    seed: shards.seed ?? 0,
    n_imgs: images,
    n_patches_per_shard: shards.perShard ?? 400,
    data: "ImageFolderDataset(root='synthetic')",
  });
  const tokens = patches + (clsToken ? 1 : 0);
  const size = images * layers.length * tokens * dVit;
  const numbers =
    typeof values === "function" ? Float32Array.from({ length: size }, (_, i) => values(i)) : values;
  using writer = await ShardWriter.open(folder, metadata);
  using acts = Tensor.from(numbers, [images, layers.length, tokens, dVit]);
  await writer.write(acts);
  await writer.finish();
  return writer.dir;
}
