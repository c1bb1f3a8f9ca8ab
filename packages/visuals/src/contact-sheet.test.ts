import sharp from "sharp";
import { expect, test } from "vitest";
import { type ContactSheet, contactSheetSvg } from "./contact-sheet.js";
import { renderPng } from "./svg.js";

const red = await sharp({ create: { width: 32, height: 32, channels: 3, background: "#e01010" } })
  .jpeg()
  .toBuffer();

const sheet: ContactSheet = {
  latent: 512,
  name: 'stripes & "dots"',
  frequency: 0.00341,
  meanValue: 1.234,
  maxValue: 5.678,
  rows: "patches",
  scale: { upper: 5.678, style: "overlay" },
  images: Array.from({ length: 6 }, (_, i) => ({
    picture: `data:image/jpeg;base64,${red.toString("base64")}`,
    label: i === 0 ? "<zebra> with a name that is much longer than the picture is wide" : "tiger",
    score: 5 - i,
  })),
};

test("a sheet has its latent's number, name and figures as text, and its pictures inside", async () => {
  const svg = contactSheetSvg(sheet);
  for (const text of [
    "Latent 512: stripes &amp; &quot;dots&quot;",
    "fires in 0.341 % of patches",
    "mean value 1.23",
    "largest 5.68",
    "&lt;zebra&gt;",
  ])
    expect(svg).toContain(text);
  expect(svg).toMatch(/<text[^>]*>&lt;zebra&gt;[^<]*…<\/text>/);
  expect(svg).toContain('width="180mm"');
  expect(svg.match(/<image /g)).toHaveLength(6);
  expect(svg.replaceAll(/data:image\/jpeg;base64,[^"]+/g, "")).not.toMatch(/href="(?!")/);
  const png = sharp(await renderPng(svg, 720));
  const { width, height } = await png.metadata();
  expect(width).toBe(720);
  // Two rows of pictures: the fifth is drawn, and where a seventh would be it is white.
  const pixel = async (left: number, top: number) => [
    ...(await png.clone().extract({ left, top, width: 1, height: 1 }).raw().toBuffer()),
  ];
  expect((await pixel(100, 350))[0]).toBeGreaterThan(200);
  expect((await pixel(100, 350))[1]).toBeLessThan(60);
  expect(await pixel(600, 350)).toEqual([255, 255, 255]);
  expect(height).toBeGreaterThan(450);
});

test("a sheet does without a name, and says that nothing moves a latent", () => {
  const svg = contactSheetSvg({ ...sheet, name: undefined, frequency: 0, meanValue: Number.NaN, images: [] });
  expect(svg).toContain(">Latent 512<");
  expect(svg).toContain("never fires in any of the patches");
  expect(svg).toContain("No image moves this latent.");
  expect(svg).not.toContain("NaN");
});
