import sharp from "sharp";
import { expect, test } from "vitest";
import { encodePng } from "./png.js";

test.each([
  [3, 1, 1],
  [4, 5, 3],
  [3, 64, 40],
  [4, 448, 448],
])("%i channels, %i × %i: other decoders read the same pixels", async (channels, width, height) => {
  // Noise, a gradient and a plain part.
  let x = 7;
  const data = Uint8Array.from({ length: channels * width * height }, (_, i) => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return i % 3 === 0 ? x >>> 24 : i < (channels * width * height) / 2 ? i / channels : 200;
  });
  const png = await encodePng({ width, height, data });
  const { data: read, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  expect(info).toMatchObject({ width, height, channels });
  expect(Buffer.compare(read, data)).toBe(0);
});

test("a plain picture is small", async () => {
  const plain = { width: 448, height: 448, data: new Uint8Array(4 * 448 * 448).fill(90) };
  expect((await encodePng(plain)).length).toBeLessThan(10_000);
});
