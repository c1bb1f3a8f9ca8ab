import type { DataLoad, ResolvedTrain } from "@saev/config";
import { SaevError } from "../errors.js";
import { ActivationLoader } from "../loading/activation-loader.js";
import { chooseRows, rowsPerImage } from "../loading/row-choice.js";
import type { RowScaling } from "../loading/row-scaling.js";
import { ShardFolder } from "../shards/shard-folder.js";
import { dataFingerprint } from "./data-fingerprint.js";
import { drawImages, type HeldOut, imagesWithout } from "./held-out.js";

/** Recorded images that a training is evaluated on. */
export interface ValidationImages {
  readonly data: DataLoad;
  readonly folder: ShardFolder;
  /** Their numbers, ascending. */
  readonly images: readonly number[];
}

/**
 * What `cfg` is evaluated on in the course of its training, where that is recorded: a folder of its own, or what is set aside
 * of the one that is trained on; `undefined`: nothing.
 * @param fingerprint of the activations that are trained on.
 * @param dVit their width.
 * @throws SaevError `SHAPE_MISMATCH`, `INVALID_ARGUMENT` for the folder that is trained on, and as {@link ShardFolder.open}.
 */
export async function validationImages(
  { data, val_data }: ResolvedTrain,
  trained: { readonly heldOut: HeldOut | undefined; readonly fingerprint: string; readonly dVit: number },
): Promise<ValidationImages | undefined> {
  const { heldOut, fingerprint, dVit } = trained;
  const { shard_root } = val_data;
  if (shard_root === "")
    return heldOut && { data, folder: await ShardFolder.open(data.shard_root), images: heldOut.images };
  const folder = await ShardFolder.open(shard_root);
  folder.requireComplete();
  const { d_vit } = folder.metadata;
  if (d_vit !== dVit) {
    throw new SaevError(
      "SHAPE_MISMATCH",
      `val_data.shard_root: ${shard_root}: expected activations of width ${dVit}, as those that are trained on, found ${d_vit}`,
    );
  }
  if ((await dataFingerprint(folder)) === fingerprint) {
    throw new SaevError(
      "INVALID_ARGUMENT",
      `val_data.shard_root: ${shard_root} holds the activations that are trained on; name others, or set a part of them aside with --val-fraction`,
    );
  }
  return {
    data: { ...data, shard_root },
    folder,
    images: imagesWithout(folder.imagesDone, folder.holes),
  };
}

/** Images of an evaluation of at most `nVal` rows: one where an image has more. */
export const imagesOfRows = (nVal: number, perImage: number): number =>
  Math.max(1, Math.floor(nVal / perImage));

/** As many of the images as have at most `nVal` rows, always the same ones. */
export async function sampledImages(
  of: ValidationImages,
  { n_val, val_seed }: Pick<ResolvedTrain, "n_val" | "val_seed">,
  signal?: AbortSignal,
): Promise<ValidationImages> {
  const { layers, n_patches_per_img } = of.folder.metadata;
  const perImage = rowsPerImage(chooseRows(of.data, layers, of.folder.dir), n_patches_per_img, layers.length);
  return { ...of, images: await drawImages(of.images, imagesOfRows(n_val, perImage), val_seed, signal) };
}

/** The rows of such images in order, scaled as others are. */
export function openValidation(
  { data, folder, images }: ValidationImages,
  options: {
    readonly scaling: RowScaling;
    readonly nWorkers: number;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<ActivationLoader> {
  return ActivationLoader.open(data, {
    ...options,
    order: "ordered",
    leaveOut: imagesWithout(folder.imagesDone, images),
  });
}
