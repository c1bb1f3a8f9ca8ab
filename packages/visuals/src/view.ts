import { cropImage, type Pixels, type Transform } from "@saev/core";

/** Side of the square pictures that are drawn on, in pixels. */
export const viewSize = 448;

/** Families of models, by how they cut a picture. */
export type Family = "clip" | "siglip" | "dinov2";

const cut = (mode: Transform["mode"], resize: number): Transform => ({
  mode,
  resizeWidth: resize,
  resizeHeight: resize,
  width: viewSize,
  height: viewSize,
  filter: "bicubic",
  mean: [0, 0, 0],
  std: [1, 1, 1],
});

/**
 * What a model saw of a picture, 448 × 448: each patch of its grid lies over what it looked at.
 *
 * - CLIP: shorter side to 448, the middle cut out.
 * - SigLIP: both sides to 448.
 * - DINOv2: both sides to 512, the middle 448 cut out (its 256 and 224).
 *
 * The Python package cuts every picture the way that is right for DINOv2, so that with CLIP its heat maps lie beside
 * their objects; `legacy` does the same.
 * @param picture as decoded.
 */
export function viewOf(
  picture: Pixels,
  family: Family,
  options: { legacy?: boolean; signal?: AbortSignal | undefined } = {},
): Promise<Pixels> {
  const transform =
    options.legacy || family === "dinov2"
      ? cut("squash", 512)
      : family === "siglip"
        ? cut("squash", viewSize)
        : cut("shortest", viewSize);
  return cropImage(picture, transform, { signal: options.signal });
}
