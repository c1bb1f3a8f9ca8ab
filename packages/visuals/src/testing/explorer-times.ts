/// <reference lib="dom" />
import { readFileSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { Collection } from "../explorer/collection.js";
import { serveExplorer } from "../explorer/server/serve.js";
import { ExplorerTabs } from "./explorer-tab.js";

export interface ExplorerTimes {
  /** From opening the folder to a table with the thumbnails in sight, in milliseconds, nothing being cached. */
  readonly firstPaint: number;
  /** Of it, until the server listens. */
  readonly opened: number;
  /** From a click on a latent to its numbers and heat maps being drawn, the fastest and the middle of some latents. */
  readonly latent: Spread;
  /** Until the pictures in sight are there too. */
  readonly latentPictures: Spread;
  /** Heap and other memory of this process that no file backs, in bytes: before, and after all of it. */
  readonly memory: readonly [before: number, after: number];
}

export interface Spread {
  readonly best: number;
  readonly median: number;
}

const spread = (times: readonly number[]): Spread => {
  const sorted = [...times].sort((a, b) => a - b);
  return { best: sorted[0]!, median: sorted[sorted.length >> 1]! };
};

/** Memory that no file backs: mapped tables are the system's to keep or to drop. */
export function ownMemory(): number {
  const line = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"));
  return 1024 * Number(line?.[1]);
}

/** Times of the explorer on a large run, in Chromium. @param latents how many are opened, one after the other: every fiftieth, all of which fire. */
export async function explorerTimes(browser: Browser, root: string, latents: number): Promise<ExplorerTimes> {
  const before = ownMemory();
  const start = performance.now();
  const collection = await Collection.open([root]);
  const server = await serveExplorer(collection);
  const opened = performance.now() - start;
  const tabs = new ExplorerTabs(browser, server);
  const context = await tabs.context();
  try {
    const tab = await context.newPage();
    const asked = performance.now();
    await tab.goto(tabs.address("/views/v0"));
    await tab.evaluate(picturesInSight);
    const firstPaint = opened + performance.now() - asked;
    const drawn: number[] = [];
    const pictures: number[] = [];
    for (let i = 0; i < latents; i++) {
      const times = await tab.evaluate(openLatent, 50 * i);
      drawn.push(times.drawn);
      pictures.push(times.pictures);
    }
    return {
      ...{ firstPaint, opened, latent: spread(drawn), latentPictures: spread(pictures) },
      memory: [before, ownMemory()],
    };
  } finally {
    await context.close();
    await server.close();
    collection.dispose();
  }
}

/** Runs in the page, whose content policy forbids what `waitForFunction` does: until the thumbnails in sight are loaded. */
async function picturesInSight(): Promise<void> {
  for (;;) {
    const all = [...document.querySelectorAll<HTMLImageElement>(".latents tbody img")].filter((img) => {
      const { top, bottom } = img.getBoundingClientRect();
      return bottom > 0 && top < innerHeight;
    });
    if (all.length > 0 && all.every((img) => img.complete && img.naturalWidth > 0)) return;
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
}

/** Runs in the page: goes to a latent as a click on it does. */
async function openLatent(latent: number): Promise<{ drawn: number; pictures: number }> {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const start = performance.now();
  location.hash = `#/views/v0/latents/${latent}`;
  const title = new RegExp(`^Latent ${latent}\\b`);
  let drawn = 0;
  for (;;) {
    await frame();
    const there =
      title.test(document.querySelector("h1")?.textContent ?? "") &&
      document.querySelectorAll("[aria-labelledby=top] .heat").length > 0;
    if (!there) continue;
    drawn ||= performance.now() - start;
    const all = [...document.querySelectorAll<HTMLImageElement>("[aria-labelledby=top] img")].filter(
      (img) => {
        const { top, bottom } = img.getBoundingClientRect();
        return bottom > 0 && top < innerHeight;
      },
    );
    if (all.length > 0 && all.every((img) => img.complete && img.naturalWidth > 0))
      return { drawn, pictures: performance.now() - start };
  }
}

export interface ScrollTimes {
  /** Frames that were drawn in a second, without jumps. */
  readonly framesPerSecond: number;
  /** Milliseconds between frames: the middle, and what one in twenty takes at least. */
  readonly median: number;
  readonly slow: number;
  /** Fraction of frames in which rows came or went: in the others the browser only moves what is there. */
  readonly changed: number;
  /** Milliseconds after a jump until the rows there are drawn: the middle. */
  readonly jump: number;
}

/**
 * How evenly a list of latents scrolls, two screens' heights every second, and how soon it is elsewhere when it jumps, as with the
 * bar. It begins when the page is whole: its plot takes the page's thread once, for some 0.2 s of 100,000 latents.
 */
export async function scrollTimes(browser: Browser, root: string): Promise<ScrollTimes> {
  const collection = await Collection.open([root]);
  const server = await serveExplorer(collection);
  const tabs = new ExplorerTabs(browser, server);
  const context = await tabs.context();
  try {
    const tab = await context.newPage();
    await tab.goto(tabs.address("/views/v0"));
    await tab.evaluate(picturesInSight);
    await tab.locator(".scatter svg").first().waitFor();
    await tab.evaluate(() => new Promise((resolve) => requestIdleCallback(resolve)));
    const { times, changed, jumps } = await scroll(tab);
    const sorted = [...times].sort((a, b) => a - b);
    return {
      framesPerSecond: (1000 * times.length) / times.reduce((a, b) => a + b, 0),
      median: sorted[sorted.length >> 1]!,
      slow: sorted[Math.floor(0.95 * sorted.length)]!,
      changed: changed / times.length,
      jump: spread(jumps).median,
    };
  } finally {
    await context.close();
    await server.close();
    collection.dispose();
  }
}

const scroll = (tab: Page): Promise<{ times: number[]; changed: number; jumps: number[] }> =>
  tab.evaluate(async () => {
    const list = document.querySelector(".scroller")!;
    const frame = () => new Promise<number>((resolve) => requestAnimationFrame(resolve));
    const times: number[] = [];
    let changed = 0;
    // Called once for all that changed in a frame.
    const observer = new MutationObserver(() => changed++);
    observer.observe(list.querySelector("tbody")!, { childList: true });
    let last = await frame();
    for (let i = 0; i < 240; i++) {
      list.scrollTop += 24;
      const now = await frame();
      times.push(now - last);
      last = now;
    }
    observer.disconnect();
    const jumps: number[] = [];
    for (let i = 0; i < 5; i++) {
      const asked = await frame();
      list.scrollTop += 1_000_000;
      // Told of in the next frame, drawn in the one after it.
      await frame();
      jumps.push((await frame()) - asked);
    }
    return { times, changed, jumps };
  });
