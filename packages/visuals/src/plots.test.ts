import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { distributionPlot, frequencyPlot, histogramSvg } from "./plots.js";
import { svgToPng } from "./svg.js";

const panel = (latent: number) => ({
  latent,
  histogram: { log10: true, lo: -2, hi: 0.5, counts: [1, 4, 9, 20, 60, 40, 12, 3] },
  percentiles: { p99: 1.7, p50: 0.1 },
  frequency: 0.0123,
});

/** Dark pixels in a region of a PNG: something is drawn there. */
async function ink(png: Uint8Array, region: { left: number; top: number; width: number; height: number }) {
  const { data } = await sharp(png).extract(region).greyscale().raw().toBuffer({ resolveWithObject: true });
  return data.filter((v) => v < 128).length;
}

describe("plots", () => {
  it("draws a histogram with percentile lines, and text without any system font", async () => {
    const svg = histogramSvg(panel(7));
    expect(svg).toMatch(/^<svg[^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    expect(svg).toContain("p99 1.7");
    expect(svg.match(/<rect/g)!.length).toBe(9); // the ground and eight bars
    const png = svgToPng(svg);
    expect(await ink(png, { left: 10, top: 6, width: 400, height: 24 })).toBeGreaterThan(200); // the title
  });

  it("says that a latent never fires", () => {
    const silent = {
      latent: 3,
      histogram: { log10: false, lo: 0, hi: 0, counts: [0, 0] },
      percentiles: { p99: 0 },
      frequency: 0,
    };
    expect(histogramSvg(silent)).toContain("Latent 3 never fires");
  });

  it("puts panels side by side", async () => {
    const png = svgToPng(distributionPlot([panel(0), panel(1), panel(2)], 2), 1);
    expect(await sharp(png).metadata()).toMatchObject({ width: 520, height: 340 });
  });

  it("keeps the frequency plot small for many latents", () => {
    const points = Array.from({ length: 50_000 }, (_, i) => ({
      log10Freq: -5 + (i % 400) / 100,
      log10Value: -1 + Math.floor(i / 400) / 60,
      shown: i % 500 === 0,
    }));
    const svg = frequencyPlot([...points, { log10Freq: -Infinity, log10Value: Number.NaN, shown: false }], {
      logFreqRange: [-4, -2],
      logValueRange: [-1, 1],
    });
    expect(svg).toContain("(50000 of 50001)");
    expect(svg.length).toBeLessThan(400_000);
  });
});
