import { readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cropImage, type Filter, resizeImage, SaevError } from "../index.js";
import { hasPillow, runPillow } from "./testing/pillow.js";

const plain = { mean: [0, 0, 0], std: [1, 1, 1] } as const;

describe.skipIf(!hasPillow)("resizing against Pillow", () => {
  let folder: string;
  let cases: { width: number; height: number; toWidth: number; toHeight: number }[];
  const read = (name: string) => readFileSync(path.join(folder, `${name}.rgb`));
  beforeAll(() => {
    folder = runPillow("pillow_resize.py");
    cases = JSON.parse(readFileSync(path.join(folder, "cases.json"), "utf8"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  for (const filter of ["bicubic", "bilinear"] as const satisfies Filter[]) {
    it(`gives the same bytes with the ${filter} filter`, async () => {
      for (const [i, { width, height, toWidth, toHeight }] of cases.entries()) {
        const image = { data: read(`in${i}`), width, height };
        const resized = await resizeImage(image, { width: toWidth, height: toHeight }, filter);
        expect(Buffer.compare(resized.data, read(`${filter}${i}`)), `case ${i}`).toBe(0);
      }
    });

    it(`cuts the same middle out with the ${filter} filter`, async () => {
      for (const [i, { width, height }] of cases.entries()) {
        const image = { data: read(`in${i}`), width, height };
        for (const [h, w] of [
          [31, 31],
          [27, 30],
        ] as const) {
          const transform = {
            mode: "shortest",
            resizeHeight: 31,
            resizeWidth: 31,
            height: h,
            width: w,
            filter,
            ...plain,
          };
          const cut = await cropImage(image, transform as Parameters<typeof cropImage>[1]);
          expect(Buffer.compare(cut.data, read(`${filter}${i}_${h}x${w}`)), `case ${i}, ${h} × ${w}`).toBe(0);
        }
      }
    });
  }
});

describe("cropImage", () => {
  it("centres the longest mode on black", async () => {
    const image = { data: new Uint8Array(2 * 8 * 3).fill(200), width: 8, height: 2 };
    const size = { resizeHeight: 4, resizeWidth: 4, height: 4, width: 4, filter: "bicubic" } as const;
    const cut = await cropImage(image, { mode: "longest", ...size, ...plain });
    const rows = [0, 1, 2, 3].map((y) => cut.data[y * 12]);
    expect(rows).toEqual([0, 200, 0, 0]);
  });

  it("refuses sizes that do not fit the data", async () => {
    await expect(
      resizeImage({ data: new Uint8Array(11), width: 2, height: 2 }, { width: 1, height: 1 }),
    ).rejects.toThrow(SaevError);
    await expect(
      resizeImage({ data: new Uint8Array(12), width: 2, height: 2 }, { width: 0, height: 1 }),
    ).rejects.toThrow(/between 1 and 16384/);
  });
});
