import type { Metadata, StoredDtype } from "@saev/config";
import { SaevError } from "../errors.js";

/** How activations lie in a shard folder: C order `[image, layer, token, d_vit]`, CLS first. */
export interface ShardLayout {
  /** Images of the dataset. */
  readonly nImgs: number;
  /** Recorded layers. */
  readonly nLayers: number;
  /** Tokens of an image: its patches, and one more with CLS. */
  readonly nTokens: number;
  readonly dVit: number;
  /** Images in each file; all files have the same size. */
  readonly nImgsPerShard: number;
  readonly dtype: StoredDtype;
  readonly bytesPerImg: number;
  readonly bytesPerShard: number;
}

/**
 * The layout that a metadata.json means.
 * @throws SaevError `INVALID_ARGUMENT` when a shard is too small for one image or sizes overflow.
 */
export function shardLayout(metadata: Metadata): ShardLayout {
  const nLayers = metadata.layers.length;
  const nTokens = metadata.n_patches_per_img + (metadata.cls_token ? 1 : 0);
  if (nLayers === 0)
    throw new SaevError("INVALID_ARGUMENT", "layers: expected at least one layer, found none");
  // Two divisions, rounded down each, as the Python package does it.
  const nImgsPerShard = Math.floor(Math.floor(metadata.n_patches_per_shard / nLayers) / nTokens);
  if (nImgsPerShard < 1) {
    throw new SaevError(
      "INVALID_ARGUMENT",
      `n_patches_per_shard: expected at least ${nLayers * nTokens} (${nLayers} layers x ${nTokens} tokens, one image), found ${metadata.n_patches_per_shard}`,
    );
  }
  const dtype = metadata.dtype ?? "float32";
  const bytesPerImg = nLayers * nTokens * metadata.d_vit * storedBytes(dtype);
  const bytesPerShard = nImgsPerShard * bytesPerImg;
  if (!Number.isSafeInteger(bytesPerShard) || !Number.isSafeInteger(bytesPerImg * metadata.n_imgs)) {
    throw new SaevError("INVALID_ARGUMENT", "metadata: these sizes would take more than 2^53 bytes");
  }
  return Object.freeze({
    nImgs: metadata.n_imgs,
    nLayers,
    nTokens,
    dVit: metadata.d_vit,
    nImgsPerShard,
    dtype,
    bytesPerImg,
    bytesPerShard,
  });
}

/** Bytes of a stored value. */
export const storedBytes = (dtype: StoredDtype): number => (dtype === "float32" ? 4 : 2);

/** `acts000012.bin` */
export const shardName = (shard: number): string => `acts${String(shard).padStart(6, "0")}.bin`;
