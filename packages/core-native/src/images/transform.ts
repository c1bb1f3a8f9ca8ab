import type { NativeTransform } from "../native/image.js";

/** Resampling filter, as Pillow names it. */
export type Filter = NativeTransform["filter"];

/**
 * What a model's own code does to a picture before its first layer: resize to `resizeWidth` × `resizeHeight`
 * (`mode`: "shortest" side, "squash" both, "longest" side on black), cut `width` × `height` from the centre, divide by 255,
 * subtract `mean`, divide by `std` (red, green, blue).
 */
export type Transform = NativeTransform;
