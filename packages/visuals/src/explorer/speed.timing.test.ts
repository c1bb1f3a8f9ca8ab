import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath, launchChromium } from "../testing/chromium.js";
import { explorerTimes, scrollTimes } from "../testing/explorer-times.js";
import { largeRun } from "../testing/large-run.js";

const chromium = chromiumPath();
const folder = mkdtempSync(path.join(tmpdir(), "saev-speed-"));
let browser: Browser;

// npm run bench -- explorer measures the same with heat maps of 196 patches.
describe.skipIf(!chromium)("the explorer in Chromium", { timeout: 60_000 }, () => {
  beforeAll(async () => {
    browser = await launchChromium(chromium!);
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("16,384 latents with 128 images each: a table in 1.5 s, a latent in 150 ms", async () => {
    const sizes = { dSae: 16_384, topK: 128, nPatches: 4, dVit: 16, nImages: 128 };
    const root = await largeRun(path.join(folder, "images"), sizes);
    const { firstPaint, latent, memory } = await explorerTimes(browser, root, 8);
    expect(firstPaint).toBeLessThan(1500);
    expect(latent.best).toBeLessThan(150);
    // The tables have 60 MB.
    expect(memory[1] - memory[0]).toBeLessThan(120 * 2 ** 20);
  });

  test("a hundred thousand rows scroll at 60 frames a second", async () => {
    const sizes = { dSae: 100_000, topK: 1, nPatches: 1, dVit: 2, nImages: 64, tablesOnly: true };
    const root = await largeRun(path.join(folder, "rows"), sizes);
    const { median } = await scrollTimes(browser, root);
    expect(median).toBeLessThan(17.5);
  });
});
