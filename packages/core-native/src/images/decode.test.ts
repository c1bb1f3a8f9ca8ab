import { existsSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { crc32 } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeImage, SaevError } from "../index.js";
import { hasPillow, runPillow } from "./testing/pillow.js";

/** Changes of a header that make a small picture claim 16383 × 16383 pixels or more. */
const bombs: Readonly<Record<string, (bytes: Buffer) => void>> = {
  "rgb8.png": (b) => {
    b.writeUInt32BE(20_000, 16);
    b.writeUInt32BE(20_000, 20);
    b.writeUInt32BE(crc32(b.subarray(12, 29)), 29);
  },
  "baseline_420_q92.jpg": (b) => growJpeg(b, 0xc0),
  "progressive_420_q92.jpg": (b) => growJpeg(b, 0xc2),
  // 14 bits each for width and height, less one.
  "lossless.webp": (b) => {
    const at = b.indexOf("VP8L") + 9;
    b.writeUInt32LE((b.readUInt32LE(at) & 0xf0000000) + 16_382 * (1 + 2 ** 14), at);
  },
  "lossy.webp": (b) => {
    const at = b.indexOf("\x9d\x01\x2a", 0, "latin1") + 3;
    b.writeUInt16LE(16_383, at);
    b.writeUInt16LE(16_383, at + 2);
  },
  "still.gif": (b) => {
    // The screen, and the frame in it, behind a palette of 128 colours.
    for (const at of [6, 13 + 3 * 128 + 5]) {
      b.writeUInt16LE(20_000, at);
      b.writeUInt16LE(20_000, at + 2);
    }
  },
  "rgb_lzw.tiff": (b) => {
    const directory = b.readUInt32LE(4);
    for (let i = 0; i < b.readUInt16LE(directory); i++) {
      const at = directory + 2 + 12 * i;
      if (![256, 257].includes(b.readUInt16LE(at))) continue;
      b.writeUInt16LE(4, at + 2);
      b.writeUInt32LE(20_000, at + 8);
    }
  },
  "avif_420_90.avif": (b) => {
    const at = b.indexOf("ispe") + 8;
    b.writeUInt32BE(20_000, at);
    b.writeUInt32BE(20_000, at + 4);
  },
  "rgb.bmp": (b) => {
    b.writeInt32LE(20_000, 18);
    b.writeInt32LE(20_000, 22);
  },
  "rgb.ppm": (b) => {
    b.write("P6\n99999 99999\n255\n", "latin1");
  },
};

function growJpeg(bytes: Buffer, frame: number): void {
  const at = bytes.indexOf(Buffer.from([0xff, frame, 0, 17])) + 5;
  bytes.writeUInt16BE(20_000, at);
  bytes.writeUInt16BE(20_000, at + 2);
}

describe.skipIf(!hasPillow)("decodeImage of pictures that Pillow wrote", () => {
  let folder: string;
  beforeAll(() => {
    folder = runPillow("pillow_cases.py");
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("refuses a file cut anywhere, naming it", async () => {
    for (const name of [
      "baseline_420_q92.jpg",
      "progressive_420_q92.jpg",
      "rgb8.png",
      "lossy.webp",
      "rgb_lzw.tiff",
      "rgb.bmp",
      "rgb.ppm",
      "cmyk.jpg",
      "palette.bmp",
    ]) {
      const bytes = readFileSync(path.join(folder, name));
      for (let cut = 0; cut < bytes.length - 2; cut += Math.max(1, Math.floor(bytes.length / 40))) {
        await expect(decodeImage(bytes.subarray(0, cut), { name })).rejects.toThrow(name);
      }
    }
  });

  it.each([
    "rgb8.png",
    "baseline_420_q92.jpg",
    "progressive_420_q92.jpg",
    "lossless.webp",
    "lossy.webp",
    "still.gif",
    "rgb_lzw.tiff",
    "tiles_deflate_be.tiff",
    "avif_420_90.avif",
    "rgb.bmp",
    "rgb.ppm",
  ])("takes as many pixels as it is told: %s", async (name) => {
    if (!existsSync(path.join(folder, name))) return;
    const file = path.join(folder, name);
    expect(await decodeImage(file, { maxPixels: 53 * 37 })).toMatchObject({ width: 53, height: 37 });
    await expect(decodeImage(file, { maxPixels: 53 * 37 - 1 })).rejects.toThrow(
      /53 × 37 pixels are more than the limit of 1960; --max-megapixels/,
    );
  });

  it.each(Object.entries(bombs))(
    "refuses a %s that would unpack to 100 megapixels and more",
    async (name, grow) => {
      const file = path.join(folder, name);
      if (!existsSync(file)) return;
      const bytes = readFileSync(file);
      grow(bytes);
      const before = process.resourceUsage().maxRSS;
      const refused = decodeImage(bytes, { name });
      await expect(refused).rejects.toMatchObject({ code: "BAD_FILE" });
      await expect(refused).rejects.toThrow(/pixels are more than the limit of 100000000/);
      // Nothing of the 200 MB and more was taken.
      expect(process.resourceUsage().maxRSS - before).toBeLessThan(100 * 1024);
      // Told that it may, it tries, and finds that the rest is missing or damaged.
      if (/bmp|ppm/.test(name))
        await expect(decodeImage(bytes, { name, maxPixels: 1e10 })).rejects.toThrow(
          /ends before its last pixel/,
        );
    },
  );

  it("takes the limit from the environment", async () => {
    process.env.SAEV_MAX_MEGAPIXELS = "0.001";
    try {
      await expect(decodeImage(path.join(folder, "rgb8.png"))).rejects.toThrow(
        /more than the limit of 1000;/,
      );
      process.env.SAEV_MAX_MEGAPIXELS = "many";
      await expect(decodeImage(path.join(folder, "rgb8.png"))).rejects.toThrow(
        /expected a number above 0, found many/,
      );
    } finally {
      delete process.env.SAEV_MAX_MEGAPIXELS;
    }
  });
});

describe("decodeImage", () => {
  it("says what is wrong with what is no picture", async () => {
    const code = (promise: Promise<unknown>) => promise.catch((e) => (e instanceof SaevError ? e.code : e));
    expect(await code(decodeImage("/nowhere/a.jpg"))).toBe("NOT_FOUND");
    expect(await code(decodeImage(import.meta.dirname))).toBe("IO");
    expect(await code(decodeImage(new Uint8Array(0)))).toBe("BAD_FILE");
    expect(await code(decodeImage(new TextEncoder().encode("hello, I am no picture")))).toBe("BAD_FILE");
    expect(await code(decodeImage(new TextEncoder().encode("P6\n99999999 99999999\n255\n")))).toBe(
      "BAD_FILE",
    );
    const page = new TextEncoder().encode("<!DOCTYPE html><html>404</html>");
    await expect(decodeImage(page)).rejects.toThrow(/expected a picture .*, found a web page \(HTML\)/);
    for (const [bytes, name] of [
      ["\0\0\0\x0cjP  \r\n\x87\n", /JPEG 2000 is not read; save it as PNG/],
      ["\0\0\0\x18ftypheic\0\0\0\0mif1heic", /HEIC is not read/],
      ["\xff\x0a\xfa\x7f", /JPEG XL is not read/],
      ["8BPS\0\x01", /Photoshop \(PSD\) is not read/],
    ] as const)
      await expect(decodeImage(Buffer.from(bytes, "latin1"))).rejects.toThrow(name);
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';
    expect(await code(decodeImage(new TextEncoder().encode(svg)))).toBe("UNSUPPORTED");
  });
});
