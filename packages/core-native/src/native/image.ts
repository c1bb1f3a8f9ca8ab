import type { Control, Handle } from "./addon.js";

/** Decoded RGB bytes, row by row. */
export interface NativePixels {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** `native/image/transform.h`, as plain data. */
export interface NativeTransform {
  readonly mode: "shortest" | "squash" | "longest";
  readonly resizeHeight: number;
  readonly resizeWidth: number;
  readonly height: number;
  readonly width: number;
  readonly filter: "bicubic" | "bilinear";
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  /** Multiply by 1 / 255 instead of dividing by 255, which rounds otherwise. Default false. */
  readonly reciprocal?: boolean;
  /** Where half a pixel is left of the cut: round down, as transformers does, instead of to even. Default false. */
  readonly cropDown?: boolean;
  /** Scale to [0, 1] before resizing, so that nothing is rounded to bytes. Default false. */
  readonly unrounded?: boolean;
}

export interface ImageExports {
  preprocessInto(
    image: NativePixels,
    transform: NativeTransform,
    batch: Handle<"Tensor">,
    row: number,
    control?: Control,
  ): Promise<void>;
  /** False for what this decoder does not take: `decodeImage` does, or says why not. */
  preprocessJpegInto(
    source: string | Uint8Array,
    transform: NativeTransform,
    batch: Handle<"Tensor">,
    row: number,
    maxPixels: number,
    control?: Control,
  ): Promise<boolean>;
  decodeJpeg(source: string | Uint8Array, maxPixels: number, control?: Control): Promise<NativePixels | null>;
  /** The JPEG library and its version, or "". */
  jpegLibrary(): string;
  resizeImage(
    image: NativePixels,
    height: number,
    width: number,
    filter: NativeTransform["filter"],
    control?: Control,
  ): Promise<Uint8Array>;
  cropImage(image: NativePixels, transform: NativeTransform, control?: Control): Promise<Uint8Array>;
}
