import { readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeImage, SaevError } from "../index.js";
import { hasPillow, runPillow } from "./testing/pillow.js";

describe.skipIf(!hasPillow)("decodeImage against Pillow", () => {
  let folder: string;
  beforeAll(() => {
    folder = runPillow("pillow_cases.py");
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("gives the same bytes for every kind of file", async () => {
    const cases = JSON.parse(readFileSync(path.join(folder, "cases.json"), "utf8"));
    expect(Object.keys(cases).length).toBeGreaterThan(80);
    const wrong: string[] = [];
    for (const [name, { width, height }] of Object.entries<{ width: number; height: number }>(cases)) {
      const pixels = await decodeImage(path.join(folder, name));
      const same =
        pixels.width === width &&
        pixels.height === height &&
        Buffer.compare(pixels.data, readFileSync(path.join(folder, `${name}.rgb`))) === 0;
      if (!same) wrong.push(name);
    }
    expect(wrong).toEqual([]);
  });

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

  it("refuses more pixels than asked for before taking their memory", async () => {
    for (const name of ["rgb8.png", "grey.jpg", "rgb.bmp", "rgb.ppm"]) {
      const refused = decodeImage(path.join(folder, name), { maxPixels: 53 * 37 - 1 });
      await expect(refused).rejects.toThrow(/53 × 37 pixels are more than the limit of 1960/);
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
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';
    expect(await code(decodeImage(new TextEncoder().encode(svg)))).toBe("UNSUPPORTED");
  });
});
