import { decodeImage, type Transform } from "@saev/core";
import sharp from "sharp";
import { expect, test } from "vitest";
import { legacyTransform, viewOf } from "../view.js";
import { jpegSize, thumbnail } from "./thumbnail.js";

const clip: Transform = {
  ...legacyTransform,
  mode: "shortest",
  resizeHeight: 224,
  resizeWidth: 224,
  height: 224,
  width: 224,
};
const dino: Transform = { ...clip, resizeHeight: 256, resizeWidth: 256 };
const limit = 1e8;

/** A picture with coarse detail everywhere, so that another cut of it would be another picture. */
async function picture(width: number, height: number): Promise<Buffer> {
  let state = 7;
  const coarse = Uint8Array.from({ length: 16 * 12 * 3 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
  return sharp(coarse, { raw: { width: 16, height: 12, channels: 3 } })
    .resize(width, height, { fit: "fill" })
    .jpeg({ quality: 95 })
    .toBuffer();
}

const meanDifference = (a: Uint8Array, b: Uint8Array) =>
  a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;

test.each([
  ["clip", clip, 500, 375],
  ["clip, upright", clip, 375, 500],
  ["clip, as small as the thumbnail", clip, 130, 97],
  ["dinov2", dino, 640, 427],
  ["the Python package's", legacyTransform, 500, 375],
])("a thumbnail shows what the exact way shows: %s", async (_, transform, width, height) => {
  const file = await picture(width, height);
  const exact = await viewOf(await decodeImage(file), transform, { side: 96 });
  const fast = await (await thumbnail(file, transform, 96, limit))!
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect(fast.info).toMatchObject({ width: 96, height: 96, channels: 3 });
  // Of 255: libjpeg's smaller picture and libvips' cubic filter against Pillow's. A cut two pixels off differs by more than 4.
  expect(meanDifference(fast.data, exact.data)).toBeLessThan(2);
  const shifted = exact.data.subarray(6);
  expect(meanDifference(fast.data.subarray(0, shifted.length), shifted)).toBeGreaterThan(4);
});

test("grey JPEGs become three colours; what is not for it goes the exact way", async () => {
  const file = await picture(300, 200);
  const grey = await sharp(file).greyscale().jpeg().toBuffer();
  const { info } = await (await thumbnail(grey, clip, 96, limit))!
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect(info.channels).toBe(3);
  const cmyk = await sharp(file).toColourspace("cmyk").jpeg().toBuffer();
  const png = await sharp(file).png().toBuffer();
  const none = [
    thumbnail(cmyk, clip, 96, limit),
    thumbnail(png, clip, 96, limit),
    thumbnail(file, clip, 320, limit),
    thumbnail(file, clip, 96, 1000),
    thumbnail(file, { ...clip, mode: "longest" }, 96, limit),
    thumbnail(file, { ...clip, width: 112 }, 96, limit),
  ];
  expect(await Promise.all(none)).toEqual(none.map(() => undefined));
});

test("sizes of damaged files: none, or the right ones, whatever is cut off", async () => {
  const file = await picture(300, 200);
  for (let end = 0; end < 1000; end++) {
    const found = jpegSize(file.subarray(0, end));
    if (found) expect(found).toEqual({ width: 300, height: 200 });
  }
  expect(jpegSize(file)).toEqual({ width: 300, height: 200 });
  expect(jpegSize(Uint8Array.of(0xff, 0xd8, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0))).toBeUndefined();
});
