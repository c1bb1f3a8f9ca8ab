import { describe, expect, it } from "vitest";
import { alphaComposite, heatMap, opaque, overlay } from "./overlay.js";
import { plasmaIndex } from "./plasma.js";

/** Numbers that look random and are the same each time. */
function* noise(seed: number): Generator<number> {
  for (let x = seed; ; ) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    yield x / 2 ** 32;
  }
}

function picture(width: number, height: number) {
  const random = noise(width + height);
  return {
    width,
    height,
    data: Uint8Array.from({ length: 3 * width * height }, () => 256 * random.next().value),
  };
}

describe("overlay", () => {
  it.each([
    [96, 96, 36],
    [97, 61, 25],
    [130, 100, 49],
    [448, 448, 256],
    [40, 40, 23],
    [5, 5, 36],
  ])("%i × %i with %i patches is the heat map composited over the picture", (width, height, n) => {
    const random = noise(n);
    const values = Float32Array.from({ length: n }, () => Math.max(0, 3 * random.next().value - 1));
    const ground = picture(width, height);
    for (const options of [{ upper: 2 }, { upper: 1.1, opacity: 0.5 }]) {
      const expected = alphaComposite(opaque(ground), heatMap(width, height, values, options));
      expect(Buffer.compare(overlay(ground, values, options).data, expected.data)).toBe(0);
      expect(Buffer.compare(overlay(opaque(ground), values, options).data, expected.data)).toBe(0);
    }
  });

  it("leaves the picture alone without values, with silent ones, and with an upper of 0", () => {
    const ground = picture(20, 20);
    for (const values of [new Float32Array(0), new Float32Array(4)]) {
      expect(overlay(ground, values, { upper: 1 }).data).toEqual(opaque(ground).data);
      expect(overlay(ground, values, { upper: 0 }).data).toEqual(opaque(ground).data);
    }
  });
});

describe("plasmaIndex", () => {
  it("clips as matplotlib does", () => {
    expect([-1, 0, 0.5, 0.999999, 1, 7, Number.NaN].map(plasmaIndex)).toEqual([0, 0, 128, 255, 255, 255, -1]);
  });
});
