import { describe, expect, it } from "vitest";
import { contour, cropBox, type HighlightStyle, highlight, mask } from "./highlight.js";
import { opaque, overlay } from "./overlay.js";

const size = 448;
/** A picture of one colour. */
const view = {
  width: size,
  height: size,
  data: Uint8Array.from({ length: 3 * size * size }, (_, i) => [200, 100, 40][i % 3]!),
};
const base = opaque(view);

/** Values of a 4 × 4 grid. */
const grid = (values: Readonly<Record<number, number>>) =>
  Float32Array.from({ length: 16 }, (_, i) => values[i] ?? 0);

const at = (picture: { width: number; data: Uint8Array }, x: number, y: number) => {
  const channels = picture.data.length / (size * size);
  return [...picture.data.subarray(channels * (y * picture.width + x)).subarray(0, 3)];
};

describe("highlight", () => {
  it("draws the Python package's overlay by that name, to the byte", async () => {
    const values = grid({ 5: 2, 6: 1 });
    const drawn = await highlight({ view, base }, values, "overlay", { upper: 2 });
    expect(Buffer.compare(drawn.data, overlay(base, values, { upper: 2 }).data)).toBe(0);
  });

  it("puts a line around the patches of at least half the largest value, and leaves the rest alone", () => {
    const drawn = contour(base, grid({ 5: 2, 6: 1, 10: 0.9 }), { upper: 2 });
    // Patches 5 and 6 lie side by side in row 1: x 112 to 336, y 112 to 224.
    const line = at(drawn, 224, 112);
    expect(line).not.toEqual([200, 100, 40]);
    expect(line).not.toEqual([16, 16, 16]);
    for (const [x, y] of [
      [112, 170],
      [336, 170],
      [300, 224],
    ] as const)
      expect(at(drawn, x, y)).toEqual(line);
    expect(at(drawn, 224, 109)).toEqual([16, 16, 16]); // the rim
    // Nothing between the two, inside, or around the patch of 0.9.
    for (const [x, y] of [
      [224, 170],
      [170, 170],
      [280, 300],
      [20, 20],
    ] as const)
      expect(at(drawn, x, y)).toEqual([200, 100, 40]);
    // A weaker picture of the same latent has another colour.
    expect(at(contour(base, grid({ 5: 0.5 }), { upper: 2 }), 112, 170)).not.toEqual(line);
    // An edge of the picture is drawn inside it.
    expect(at(contour(base, grid({ 0: 1 }), { upper: 1 }), 3, 50)).toEqual(
      at(contour(base, grid({ 0: 1 }), { upper: 1 }), 50, 112),
    );
  });

  it("keeps colour where it fires and greys the rest", () => {
    const drawn = mask(base, grid({ 5: 2, 6: 0.5 }), { upper: 2 });
    expect(at(drawn, 170, 170)).toEqual([200, 100, 40]);
    const [r, g, b] = at(drawn, 20, 20);
    expect(r).toBe(g);
    expect(g).toBe(b);
    expect(r).toBeLessThan(60);
    // A quarter of the largest value: half of the colour.
    expect(at(drawn, 280, 170)[0]).toBe(Math.floor(0.35 * 123.06 + 0.5 * (200 - 0.35 * 123.06) + 0.5));
  });

  it("finds the square around the strongest patches that lie together", () => {
    expect(cropBox(grid({ 5: 2 }))).toEqual({ left: 0.125, top: 0.125, size: 0.5 });
    expect(cropBox(grid({ 5: 2, 6: 1, 15: 0.9 }))).toEqual({ left: 0.125, top: 0, size: 0.75 });
    // By a corner they lie together; far away or weaker than half they do not.
    expect(cropBox(grid({ 0: 2, 5: 1 })).size).toBe(0.75);
    expect(cropBox(grid({ 0: 2, 15: 2 }))).toEqual({ left: 0, top: 0, size: 0.5 });
    expect(cropBox(grid({}))).toEqual({ left: 0, top: 0, size: 1 });
    // Never less than a quarter of the picture.
    expect(cropBox(Float32Array.from({ length: 256 }, (_, i) => Number(i === 255)))).toEqual({
      left: 0.75,
      top: 0.75,
      size: 0.25,
    });
  });

  it("cuts crops from the picture with more pixels, and draws every style of whatever values", async () => {
    // Left half black, right half white.
    const detail = {
      width: 900,
      height: 900,
      data: Uint8Array.from({ length: 3 * 900 * 900 }, (_, i) => (Math.floor(i / 3) % 900 < 450 ? 0 : 255)),
    };
    const drawn = await highlight({ view, base, detail }, grid({ 5: 1 }), "crop", { upper: 1 });
    expect([drawn.width, drawn.height, drawn.data.length]).toEqual([size, size, 3 * size * size]);
    expect([at(drawn, 300, 200), at(drawn, 360, 200)]).toEqual([
      [0, 0, 0],
      [255, 255, 255],
    ]);
    for (const style of ["overlay", "contour", "crop", "mask"] satisfies HighlightStyle[]) {
      for (const values of [grid({}), new Float32Array(0), grid({ 3: -1 }), new Float32Array(7).fill(1)]) {
        const { width, height } = await highlight({ view, base }, values, style, { upper: 0 });
        expect([width, height]).toEqual([size, size]);
      }
    }
  });
});
