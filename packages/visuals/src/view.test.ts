import { cropImage, type Pixels, type Transform } from "@saev/core";
import { describe, expect, it } from "vitest";
import { legacyTransform, scaledTransform, viewOf, viewSize } from "./view.js";

const plain = { mean: [0, 0, 0], std: [1, 1, 1] } as const;
const sized = (resize: number, size: number) => ({
  ...{ resizeHeight: resize, resizeWidth: resize, height: size, width: size },
  ...plain,
});

/** What published models of each family do. */
const models: Readonly<Record<string, Transform>> = {
  "CLIP, 224": { mode: "shortest", filter: "bicubic", ...sized(224, 224) },
  "CLIP, 336": { mode: "shortest", filter: "bicubic", ...sized(336, 336) },
  "SigLIP, 384": { mode: "squash", filter: "bicubic", ...sized(384, 384) },
  DINOv2: { mode: "squash", filter: "bilinear", ...sized(256, 224) },
  "DINOv2 of transformers": { mode: "shortest", filter: "bicubic", ...sized(256, 224), cropDown: true },
  DINOv3: { mode: "squash", filter: "bilinear", ...sized(224, 224), unrounded: true, cropDown: true },
  "timm, crop_pct 0.9": { mode: "shortest", filter: "bicubic", ...sized(248, 224) },
  "timm, crop_pct 0.95": { mode: "shortest", filter: "bilinear", ...sized(235, 224) },
  "Perception Encoder, 448": { mode: "squash", filter: "bilinear", ...sized(448, 448) },
  "open_clip, longest": { mode: "longest", filter: "bicubic", ...sized(224, 224) },
};

/** Red grows to the right, green downwards, blue in both: a pixel's colour says where it is from. */
function ramp(width: number, height: number): Pixels {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = 3 * (y * width + x);
      data[at] = Math.round((250 * x) / (width - 1));
      data[at + 1] = Math.round((250 * y) / (height - 1));
      data[at + 2] = Math.round((125 * x) / (width - 1) + (125 * y) / (height - 1));
    }
  }
  return { data, width, height };
}

/** The mean colour of each of `side` × `side` cells, which need not be whole pixels: the nearest are taken. */
function cells({ data, width, height }: Pixels, side: number): number[] {
  const out: number[] = [];
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        let n = 0;
        for (let y = Math.round((row * height) / side); y < Math.round(((row + 1) * height) / side); y++) {
          for (
            let x = Math.round((column * width) / side);
            x < Math.round(((column + 1) * width) / side);
            x++
          ) {
            sum += data[3 * (y * width + x) + c]!;
            n++;
          }
        }
        out.push(sum / n);
      }
    }
  }
  return out;
}

const pictures = { wide: ramp(450, 250), tall: ramp(331, 700), square: ramp(300, 300), small: ramp(97, 61) };

describe.each(Object.entries(models))("%s", (_, transform) => {
  it("each patch of the view shows what the model's patch was made of", async () => {
    for (const [name, picture] of Object.entries(pictures)) {
      const view = await viewOf(picture, transform);
      expect([view.width, view.height]).toEqual([viewSize, viewSize]);
      const theirs = cells(await cropImage(picture, transform), 14);
      const ours = cells(view, 14);
      const worst = Math.max(...ours.map((v, i) => Math.abs(v - theirs[i]!)));
      // A patch is 250 / 14 = 18 levels wide. Rounded colours, and one pixel's rounding of places at either size; where the
      // picture ends on black within a patch of 32 pixels, that one is 250 / 32 levels.
      expect(worst, name).toBeLessThan(transform.mode === "longest" ? 10 : 2.5);
    }
  });

  it("at the model's own size, the view is the model's input to the byte", async () => {
    const own = scaledTransform(transform, transform.width);
    expect(own).toEqual(transform);
    for (const picture of Object.values(pictures)) {
      const [ours, theirs] = await Promise.all([cropImage(picture, own), cropImage(picture, transform)]);
      expect(Buffer.from(ours.data).equals(theirs.data)).toBe(true);
    }
  });
});

it("CLIP's cut is another picture than SigLIP's, which the comparison tells apart", async () => {
  const [clip, siglip] = ["CLIP, 224", "SigLIP, 384"].map((name) => models[name]!);
  const a = cells(await viewOf(pictures.wide, clip!), 14);
  const b = cells(await cropImage(pictures.wide, siglip!), 14);
  expect(Math.max(...a.map((v, i) => Math.abs(v - b[i]!)))).toBeGreaterThan(30);
});

it("the Python package's pictures are 512, the middle 448", async () => {
  const view = await viewOf(pictures.wide, legacyTransform);
  const cut = await cropImage(pictures.wide, {
    ...{ mode: "squash", filter: "bicubic", ...sized(512, 448) },
  });
  expect(Buffer.from(view.data).equals(cut.data)).toBe(true);
});

it("a model of pictures that are not square gives a square view of what it saw", async () => {
  const transform: Transform = { ...models["SigLIP, 384"]!, resizeHeight: 128, height: 128 };
  const view = await viewOf(pictures.wide, transform);
  expect([view.width, view.height]).toEqual([viewSize, viewSize]);
  const ours = cells(view, 8);
  const theirs = cells(await cropImage(pictures.wide, transform), 8);
  expect(Math.max(...ours.map((v, i) => Math.abs(v - theirs[i]!)))).toBeLessThan(2.5);
});
