/**
 * Takes the documentation's pictures of the explorer and the gallery, from the demo's run:
 *
 *   npm run demo && node --import ./scripts/source/register.mjs scripts/docs/screenshots.ts [DEMO-OUT] [--dark]
 *
 * They go to docs/images as WebP, each below 150 KB; with --dark only to DEMO-OUT/dark, to be looked at. Needs a Chromium
 * (SAEV_CHROMIUM, or one on the path).
 */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { Collection, serveExplorer } from "@saev/visuals/explorer";
import type { Page } from "playwright-core";
import sharp from "sharp";
import { chromiumPath, launchChromium } from "../../packages/visuals/src/testing/chromium.js";

const root = path.resolve(import.meta.dirname, "../..");
const words = process.argv.slice(2);
const dark = words.includes("--dark");
const demo = path.resolve(words.find((word) => !word.startsWith("--")) ?? path.join(root, "demo-out"));
const out = dark ? path.join(demo, "dark") : path.join(root, "docs/images");
const size = { width: 1280, height: 900 };
const most = 150_000;
/** A latent that reads well, and a picture of the dataset. */
const latent = process.env.LATENT ?? "52";
const picture = process.env.PICTURE ?? "32";

const chromium = chromiumPath();
if (chromium === undefined) throw new Error("no Chromium: set SAEV_CHROMIUM");
mkdirSync(out, { recursive: true });
const collection = await Collection.open([path.join(demo, "visuals"), path.join(demo, "runs")]);
const server = await serveExplorer(collection);
const browser = await launchChromium(chromium);
const context = await browser.newContext({ viewport: size, colorScheme: dark ? "dark" : "light" });

async function keep(name: string, tab: Page): Promise<void> {
  if (name === "") return;
  const png = await tab.screenshot();
  for (const quality of [82, 70, 55]) {
    const webp = await sharp(png).webp({ quality, effort: 6 }).toBuffer();
    if (webp.length > most && quality > 55) continue;
    writeFileSync(path.join(out, `${name}.webp`), webp);
    console.log(`${name}.webp: ${Math.round(webp.length / 1024)} KB at quality ${quality}`);
    return;
  }
}

/** Opens a page of the explorer and waits until nothing more is loaded. */
async function visit(name: string, hash: string, prepare: (tab: Page) => Promise<unknown>): Promise<void> {
  const tab = await context.newPage();
  await tab.goto(server.url);
  const [place, query = ""] = hash.split("?");
  await tab.goto(`http://127.0.0.1:${server.port}/?${query}#${place}`);
  await prepare(tab);
  await tab.waitForLoadState("networkidle");
  await tab.waitForTimeout(500);
  await keep(name, tab);
  await tab.close();
}

try {
  await visit("explorer", "/views/v0", async (tab) => {
    await tab.locator(".latents td a").first().waitFor();
    const box = (await tab.locator(".brush").boundingBox())!;
    // The middle of frequency and value, where most latents that can be read lie.
    await tab.mouse.move(box.x + 0.43 * box.width, box.y + 0.12 * box.height);
    await tab.mouse.down();
    await tab.mouse.move(box.x + 0.86 * box.width, box.y + 0.45 * box.height, { steps: 8 });
    await tab.mouse.up();
    await tab.getByRole("button", { name: "Grid" }).click();
  });
  await visit("latent", `/views/v0/latents/${latent}`, (tab) =>
    tab.getByRole("heading", { name: "Top images" }).waitFor(),
  );
  const fires = (tab: Page) => tab.locator("section[aria-labelledby=fires] a").first();
  let strongest = "";
  await visit("", `/views/v0/image?image=d${picture}`, async (tab) => {
    await fires(tab).waitFor();
    strongest = /\d+/.exec((await fires(tab).textContent())!)![0];
  });
  // Its strongest latent suppressed, and over the picture where it fires.
  await visit(
    "image",
    `/views/v0/image?image=d${picture}&steer=${strongest}x0&show=${strongest}`,
    async (tab) => {
      await fires(tab).waitFor();
      await tab.waitForTimeout(1500);
      await tab.locator("#picture").evaluate((title) => title.scrollIntoView());
    },
  );
  await visit(
    "steering",
    `/views/v0/image?image=d${picture}&steer=${strongest}x0&show=output`,
    async (tab) => {
      await fires(tab).waitFor();
      await tab.waitForTimeout(1500);
      await tab.locator("section[aria-labelledby=steering]").scrollIntoViewIfNeeded();
    },
  );
  await visit("runs", "/runs", (tab) => tab.getByRole("heading").first().waitFor());
  await visit("map", "/views/v0/map", (tab) => tab.locator("svg, canvas").first().waitFor());
  const tab = await context.newPage();
  await tab.goto(pathToFileURL(path.join(demo, "visuals/sort_by_patch/index.html")).href);
  await tab.waitForTimeout(800);
  await keep("gallery", tab);
} finally {
  await browser.close();
  await server.close();
  collection.dispose();
}
