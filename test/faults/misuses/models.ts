import { writeFileSync } from "node:fs";
import path from "node:path";
import { cropImage, decodeImage, recordActivations, resizeImage, Tensor, TextEncoder, ViT } from "@saev/core";
import { writeTinyClip } from "../../../packages/core-native/src/vit/testing/tiny-clip.js";
import { aborted, type Misuse, ones, wrong } from "../misuse.js";

async function model(): Promise<ViT> {
  await writeTinyClip("clip");
  return ViT.load("clip", "./clip");
}
async function closed(): Promise<ViT> {
  const vit = await model();
  vit.dispose();
  return vit;
}
const texts = () =>
  TextEncoder.load(path.resolve(import.meta.dirname, "../../../examples/data/models/clip-demo"));
const input = () => Tensor.zeros([1, 3, 16, 16]);
const pixels = { data: new Uint8Array(12), width: 2, height: 2 };
const text = () => {
  writeFileSync("text.jpg", "no picture");
  return "text.jpg";
};

export const misuses: readonly Misuse[] = [
  { what: "decoding what is no picture", run: () => decodeImage(text()), ends: ["BAD_FILE"] },
  { what: "decoding a folder", run: () => decodeImage("."), ends: ["IO"] },
  {
    what: "decoding after the signal",
    run: () => decodeImage(text(), { signal: aborted() }),
    ends: "reason",
  },
  {
    what: "resizing pixels that are fewer than said",
    run: () => resizeImage({ ...pixels, width: 3 }, { width: 1, height: 1 }),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "resizing pixels that are no bytes",
    run: () => resizeImage({ ...pixels, data: wrong(new Float32Array(12)) }, { width: 1, height: 1 }),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "resizing to more than memory holds",
    run: () => resizeImage(pixels, { width: 1e9, height: 1e9 }),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "a filter that does not exist",
    run: () => resizeImage(pixels, { width: 1, height: 1 }, wrong("magic")),
    ends: ["INVALID_ARGUMENT"],
  },
  { what: "a transform that is none", run: () => cropImage(pixels, wrong({})), ends: ["INVALID_ARGUMENT"] },
  { what: "a family that does not exist", run: () => ViT.load("resnet", "./clip"), ends: ["UNSUPPORTED"] },
  {
    what: "recording a layer that is not there",
    run: async () => (await model()).record(input(), [99]),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "recording a layer that is no number",
    run: async () => (await model()).record(input(), [wrong("last")]),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "recording images of another shape",
    run: async () => (await model()).record(ones(), [0]),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "recording with a model that was disposed",
    run: async () => (await closed()).record(input(), [0]),
    ends: ["DISPOSED"],
  },
  {
    what: "recording images that were disposed",
    run: async () => {
      const gone = input();
      gone.dispose();
      return (await model()).record(gone, [0]);
    },
    ends: ["DISPOSED"],
  },
  {
    what: "recording after the signal",
    run: async () => (await model()).record(input(), [0], { signal: aborted() }),
    ends: "reason",
  },
  {
    what: "the residual stream after a layer that is not there",
    run: async () => (await model()).residual(input(), 3),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "continuing from a layer that is no whole number",
    run: async () => (await model()).continueFrom(0.5, Tensor.zeros([1, 5, 12])),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "continuing from activations of another shape",
    run: async () => (await model()).continueFrom(0, ones()),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "continuing with a replacement for fewer images",
    run: async () =>
      (await model()).continueFrom(0, Tensor.zeros([2, 5, 12]), { replacement: Tensor.zeros([1, 5, 12]) }),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "continuing with a replacement of doubles",
    run: async () =>
      (await model()).continueFrom(0, Tensor.zeros([1, 5, 12]), {
        replacement: Tensor.from(new Float64Array(60), [1, 5, 12]),
      }),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "continuing with NaN",
    run: async () =>
      (await model()).continueFrom(0, Tensor.zeros([1, 5, 12]), {
        replacement: Tensor.from(new Float32Array(48).fill(Number.NaN), [1, 4, 12]),
      }),
    ends: ["NUMERIC"],
  },
  {
    what: "continuing with a model that was disposed",
    run: async () => (await closed()).continueFrom(0, Tensor.zeros([1, 5, 12])),
    ends: ["DISPOSED"],
  },
  {
    what: "continuing after the signal",
    run: async () => (await model()).continueFrom(0, Tensor.zeros([1, 5, 12]), { signal: aborted() }),
    ends: "reason",
  },
  {
    what: "preprocessing no images",
    run: async () => (await model()).preprocess([]),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "recording a config that is none",
    run: () => recordActivations(wrong({ vit_batch_size: -1 })),
    ends: ["INVALID_ARGUMENT", "UNSUPPORTED"],
  },
  {
    what: "texts for a model without a text tower",
    run: async () => {
      await writeTinyClip("clip");
      return TextEncoder.load("./clip");
    },
    ends: ["BAD_FILE"],
  },
  {
    what: "texts for what is no model",
    run: () => TextEncoder.load("./nothing"),
    ends: ["NOT_FOUND"],
  },
  {
    what: "a text that is none",
    run: async () => (await texts()).encode([wrong(3)]),
    ends: ["INVALID_ARGUMENT"],
  },
  { what: "no texts", run: async () => (await texts()).encode([]), ends: ["INVALID_ARGUMENT"] },
  {
    what: "texts of an encoder that was disposed",
    run: async () => {
      const encoder = await texts();
      encoder.dispose();
      return encoder.encode(["a"]);
    },
    ends: ["DISPOSED"],
  },
  {
    what: "texts after the signal",
    run: async () => (await texts()).encode(["a"], { signal: aborted() }),
    ends: "reason",
  },
];
