import { inflateSync } from "node:zlib";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { PngLane } from "./png-lane.js";
import { PngOnGround } from "./png-on-ground.js";

/** A gradient with some noise, the same each time. */
function gradient(width: number, height: number, channels: number) {
  let x = width + height;
  const data = Uint8Array.from({ length: channels * width * height }, (_, i) => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return i / width + (x >>> 29);
  });
  return { width, height, data };
}

/** The content of all chunks of image data, unpacked; zlib checks its sum. */
function rowsOf(png: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    if (png.toString("latin1", at + 4, at + 8) === "IDAT") parts.push(png.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  return inflateSync(Buffer.concat(parts));
}

async function expectSame(parts: readonly Uint8Array[], picture: ReturnType<typeof gradient>) {
  const png = Buffer.concat(parts);
  const channels = picture.data.length / picture.width / picture.height;
  expect(rowsOf(png).length).toBe((channels * picture.width + 1) * picture.height);
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  expect(info).toMatchObject({ width: picture.width, height: picture.height, channels });
  expect(Buffer.compare(data, picture.data)).toBe(0);
}

describe("PngOnGround", () => {
  it.each([
    [448, 448, 4, 32],
    [61, 97, 4, 10],
    [40, 16, 3, 16],
    [5, 3, 4, 1],
    [70, 30, 4, 100],
  ])(
    "%i × %i, %i channels, %i rows together: pictures with any rows changed are read as they are",
    async (width, height, channels, bandRows) => {
      using lane = new PngLane();
      const ground = gradient(width, height, channels);
      const png = new PngOnGround(ground, bandRows);
      const stride = channels * width;
      // In the order of use: bands are packed at first need, then taken over.
      for (const rows of [
        [],
        [0],
        [height - 1],
        [1, height >> 1],
        [15, 16, 40],
        [...Array(height).keys()],
        [],
      ]) {
        const data = ground.data.slice();
        for (const row of rows) {
          const at = Math.min(row, height - 1) * stride;
          for (let i = 0; i < stride; i++) data[at + i]! += 7 + i;
        }
        await expectSame(await png.encode({ width, height, data }, lane), { width, height, data });
      }
    },
  );

  it("takes pictures of other sizes and channels, makes plain ones small, and shares what is the ground's", async () => {
    using lane = new PngLane();
    const ground = gradient(64, 64, 4);
    const png = new PngOnGround(ground, 16);
    for (const other of [gradient(64, 64, 3), gradient(32, 70, 4)])
      await expectSame(await png.encode(other, lane), other);
    const plain = { width: 448, height: 448, data: new Uint8Array(4 * 448 * 448).fill(90) };
    expect(Buffer.concat(await png.encode(plain, lane)).length).toBeLessThan(10_000);
    const first = await png.encode(ground, lane);
    const second = await png.encode({ ...ground, data: ground.data.slice() }, lane);
    // Four bands, each a chunk of its own: the same arrays, not only the same bytes.
    const shared = second.filter((part) => part.length > 100 && first.includes(part));
    expect(shared).toHaveLength(4);
  });
});
