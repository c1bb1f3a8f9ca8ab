import { readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addon } from "../native/load.js";
import { hasPillow, runPillow } from "./testing/pillow.js";

const pictures = path.resolve(import.meta.dirname, "../../../../examples/data/pictures");
const files = readdirSync(pictures, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".jpg"))
  .map((file) => path.join(pictures, file));
const limit = 1e8;

const ofSharp = async (file: Uint8Array) => {
  const { data, info } = await sharp(file, { ignoreIcc: true })
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
};

describe.skipIf(addon().jpegLibrary() === "")("JPEG by libjpeg-turbo", () => {
  it("gives the bytes that libvips gives, from a path and from bytes", async () => {
    for (const file of files.slice(0, 12)) {
      const expected = await ofSharp(readFileSync(file));
      for (const source of [file, readFileSync(file)]) {
        const found = await addon().decodeJpeg(source, limit);
        expect([found?.width, found?.height]).toEqual([expected.width, expected.height]);
        expect(Buffer.compare(found!.data, expected.data)).toBe(0);
      }
    }
  });

  it("takes all samplings, progressive files and grey ones", async () => {
    const source = sharp(files[0]).resize(101, 67, { fit: "fill" });
    const kinds = {
      "4:2:0": source.clone().jpeg({ quality: 80, chromaSubsampling: "4:2:0" }),
      "4:4:4": source.clone().jpeg({ quality: 95, chromaSubsampling: "4:4:4" }),
      progressive: source.clone().jpeg({ progressive: true }),
      grey: source.clone().greyscale().jpeg(),
    };
    for (const [kind, image] of Object.entries(kinds)) {
      const file = await image.toBuffer();
      const expected = await ofSharp(file);
      const found = await addon().decodeJpeg(file, limit);
      const pixels = expected.data.length === 101 * 67 ? greyAsRgb(expected.data) : expected.data;
      expect(found && Buffer.compare(found.data, pixels), kind).toBe(0);
    }
  });

  it("leaves what is damaged, too large or something else to the decoder that says why", async () => {
    const whole = readFileSync(files[0]!);
    const refused: readonly (readonly [string, string | Uint8Array, number])[] = [
      ["cut", whole.subarray(0, whole.length - 900), limit],
      ["nearly nothing", whole.subarray(0, 3), limit],
      ["empty", new Uint8Array(), limit],
      ["more pixels than asked for", whole, 1000],
      ["no such file", "/nowhere/at/all.jpg", limit],
      ["a folder", pictures, limit],
      ["PNG", await sharp(whole).resize(20, 20).png().toBuffer(), limit],
      ["CMYK", await sharp(whole).resize(20, 20).toColourspace("cmyk").jpeg().toBuffer(), limit],
    ];
    for (const [what, source, most] of refused)
      expect(await addon().decodeJpeg(source, most), what).toBeNull();
    // Bytes changed at random: either as libvips reads them, or not at all.
    let state = 7;
    const next = (n: number) => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return state % n;
    };
    for (let i = 0; i < 300; i++) {
      const bytes = Buffer.from(whole);
      for (let k = 0; k < 4; k++) bytes[next(bytes.length)] = next(256);
      const found = await addon().decodeJpeg(bytes, limit);
      if (found) expect(found.data.length).toBe(found.width * found.height * 3);
    }
  });
});

function greyAsRgb(grey: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: grey.length * 3 }, (_, i) => grey[Math.floor(i / 3)]!);
}

describe.skipIf(!hasPillow || addon().jpegLibrary() === "")("JPEG that Pillow wrote", () => {
  let folder: string;
  beforeAll(() => {
    folder = runPillow("pillow_cases.py");
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("decodes to Pillow's bytes, or is left to the other decoder", async () => {
    const names = readdirSync(folder).filter((name) => name.endsWith(".jpg"));
    expect(names.length).toBeGreaterThan(10);
    let taken = 0;
    for (const name of names) {
      const found = await addon().decodeJpeg(path.join(folder, name), limit);
      if (!found) continue;
      taken++;
      expect(Buffer.compare(found.data, readFileSync(path.join(folder, `${name}.rgb`))), name).toBe(0);
    }
    expect(taken).toBeGreaterThan(names.length / 2);
  });
});
