import {
  cropImage,
  decodeImage,
  ImageFolder,
  type Pixels,
  resizeImage,
  type Transform,
  ViT,
} from "@saev/core";
import { aborted, type Misuse, wrong } from "../misuse.js";

const pixels = (over: Partial<Pixels> = {}): Pixels => ({
  data: new Uint8Array(48),
  width: 4,
  height: 4,
  ...over,
});

const transform = (over: Partial<Transform> = {}): Transform => ({
  mode: "shortest",
  resizeHeight: 8,
  resizeWidth: 8,
  height: 8,
  width: 8,
  filter: "bicubic",
  mean: [0, 0, 0],
  std: [1, 1, 1],
  ...over,
});

export const misuses: readonly Misuse[] = [
  { what: "decoding a picture that is not there", run: () => decodeImage("none.png"), ends: ["NOT_FOUND"] },
  { what: "decoding no bytes", run: () => decodeImage(new Uint8Array(0)), ends: ["BAD_FILE"] },
  { what: "decoding text", run: () => decodeImage(Buffer.from("<html>")), ends: ["BAD_FILE"] },
  {
    what: "decoding the first bytes of a PNG",
    run: () => decodeImage(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10)),
    ends: ["BAD_FILE"],
  },
  {
    what: "resizing to no width",
    run: () => resizeImage(pixels(), { width: 0, height: 4 }),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "resizing to a negative height",
    run: () => resizeImage(pixels(), { width: 4, height: -4 }),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "resizing to NaN",
    run: () => resizeImage(pixels(), { width: Number.NaN, height: 4 }),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "resizing to a billion",
    run: () => resizeImage(pixels(), { width: 1e9, height: 1e9 }),
    ends: ["INVALID_ARGUMENT", "OUT_OF_MEMORY"],
  },
  {
    what: "pixels that are fewer than their size says",
    run: () => resizeImage(pixels({ height: 400 }), { width: 4, height: 4 }),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "pixels of no size",
    run: () => resizeImage(pixels({ width: 0 }), { width: 4, height: 4 }),
    ends: ["SHAPE_MISMATCH", "INVALID_ARGUMENT"],
  },
  {
    what: "pixels that are no bytes",
    run: () => resizeImage(pixels({ data: wrong(new Float32Array(48)) }), { width: 4, height: 4 }),
    ends: ["INVALID_ARGUMENT", "SHAPE_MISMATCH"],
  },
  {
    what: "an unknown filter",
    run: () => resizeImage(pixels(), { width: 4, height: 4 }, wrong("lanczos")),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "an unknown way to resize",
    run: () => cropImage(pixels(), transform({ mode: wrong("stretch") })),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "resizing with a signal that was aborted before",
    run: () => resizeImage(pixels(), { width: 4, height: 4 }, "bicubic", { signal: aborted() }),
    ends: "reason",
  },
  { what: "a folder of images that is not there", run: () => ImageFolder.open("none"), ends: ["NOT_FOUND"] },
  {
    what: "a model of an unknown family",
    run: () => ViT.load("resnet", "none"),
    ends: ["UNSUPPORTED", "INVALID_ARGUMENT"],
  },
  {
    what: "a model that is not there",
    run: () => ViT.load("clip", "none/at/all"),
    ends: ["NOT_FOUND", "UNSUPPORTED"],
  },
];
