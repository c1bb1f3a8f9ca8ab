import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chromiumPath, launchChromium } from "../testing/chromium.js";
import { testContent, testPicture } from "../testing/gallery-content.js";
import { escapeHtml, scriptJson } from "./escape.js";
import { writeGallery, writeGalleryPicture } from "./write-gallery.js";

describe("escaping", () => {
  it("leaves no way out of an attribute, an element or a script", () => {
    expect(escapeHtml(`<img onerror="x" 'y' & z>`)).toBe(
      "&lt;img onerror=&quot;x&quot; &#39;y&#39; &amp; z&gt;",
    );
    const hostile = { a: "</script><script>alert(1)</script><!--", b: "\u2028\u2029" };
    const text = scriptJson(hostile);
    expect(text).not.toMatch(/[<>\u2028\u2029]/);
    expect(JSON.parse(text)).toEqual(hostile);
  });
});

const chromium = chromiumPath();
if (!chromium) console.warn("no chromium found: the gallery is not opened in a browser");

describe.skipIf(!chromium)("the gallery in Chromium, from disk", () => {
  let root = "";
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];
  const requests: string[] = [];

  beforeAll(async () => {
    root = mkdtempSync(path.join(tmpdir(), "saev-gallery-ü '#%20-"));
    const content = testContent();
    await writeGallery(root, content);
    for (let i = 0; i < content.nImages; i++) await writeGalleryPicture(root, i, testPicture(i));
    browser = await launchChromium(chromium!);
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(root, { recursive: true, force: true });
  });

  async function open(options: { width?: number; height?: number; dark?: boolean; hash?: string } = {}) {
    await page?.close();
    page = await browser.newPage({
      viewport: { width: options.width ?? 1280, height: options.height ?? 900 },
      colorScheme: options.dark ? "dark" : "light",
    });
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") problems.push(message.text());
    });
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("request", (request) => requests.push(request.url()));
    await page.goto(pathToFileURL(path.join(root, "index.html")).href + (options.hash ?? ""));
    return page;
  }
  const ids = () =>
    page.evaluate<string[]>("[...document.querySelectorAll('a.card')].map((a) => a.dataset.latent)");
  const focused = () =>
    page.evaluate<string>("document.activeElement.dataset.latent ?? document.activeElement.tagName");
  const background = () => page.evaluate<string>("getComputedStyle(document.body).backgroundColor");

  it("shows the latents in the order chosen, sorts and finds them", async () => {
    await open();
    expect(await page.locator("#summary").textContent()).toContain("8 latents of 64 shown");
    expect(await ids()).toEqual(["5", "40", "3", "12", "7", "61", "9", "22"]);
    await page.selectOption("#sort", "id");
    expect((await ids()).slice(0, 3)).toEqual(["3", "5", "7"]);
    await page.selectOption("#sort", "frequency");
    const byFrequency = await ids();
    expect(byFrequency[0]).toBe("40"); // dense
    expect(byFrequency.at(-1)).toBe("3"); // dead
    await page.click("#direction");
    expect(await ids()).toEqual([...byFrequency].reverse());
    await page.fill("#find", "zebra");
    expect(await ids()).toEqual(["12", "5"]); // rarest first now
    await page.fill("#find", "4");
    expect(await ids()).toEqual(["40"]);
    await page.fill("#find", "");
    await page.click("text=dead 1");
    expect(await ids()).toEqual(["3"]);
    expect(await page.locator("#found").textContent()).toBe("1 of 8 latents");
  });

  it("is moved through by keyboard alone", async () => {
    await open();
    await page.keyboard.press("ArrowRight");
    expect(await focused()).toBe("5");
    await page.keyboard.press("ArrowRight");
    expect(await focused()).toBe("40");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#latent-page h1");
    expect(await page.locator("h1:visible").textContent()).toBe("Latent 40");
    expect(await page.title()).toContain("Latent 40");
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => page.textContent("#latent-page h1")).toBe("Latent 3");
    expect(await page.locator("#latent-page").textContent()).toContain("never fires");
    await page.keyboard.press("ArrowLeft");
    await expect.poll(() => page.textContent("#latent-page h1")).toBe("Latent 40");
    const heat = page.locator("#latent-page canvas.heat").first();
    expect(await heat.isVisible()).toBe(true);
    await page.keyboard.press("t");
    expect(await heat.isVisible()).toBe(false);
    expect(await page.getAttribute("#heat-toggle", "aria-pressed")).toBe("false");
    await page.keyboard.press("t");
    await page.keyboard.press("Escape");
    await page.waitForSelector("#overview-page:not([hidden])");
    expect(await focused()).toBe("40"); // the focus comes back to where it was
    await page.keyboard.press("/");
    await expect.poll(() => page.evaluate("document.activeElement.id")).toBe("find");
    await page.keyboard.type("t"); // typed, not a command
    expect(await page.getAttribute("#heat-toggle", "aria-pressed")).toBe("true");
  });

  it("lays the heat map over the whole picture, pixel by patch, at the opacity chosen", async () => {
    await open({ hash: "#/latent/5" });
    const boxes = await page.evaluate<number[][]>(
      "[...document.querySelectorAll('#latent-page .picture')][0] && [...document.querySelector('#latent-page .picture').children].map((e) => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.width, r.height].map(Math.round); })",
    );
    expect(boxes[0]).toEqual(boxes[1]);
    // The strongest patch of the first image has the last colour of the map and 0.9 of the opacity.
    const pixel = await page.evaluate<number[]>(
      "[...document.querySelector('#latent-page canvas.heat').getContext('2d').getImageData(2, 1, 1, 1).data]",
    );
    expect(pixel[3]).toBe(229);
    expect(pixel[0]).toBeGreaterThan(230);
    await page.focus("#opacity");
    await page.keyboard.press("ArrowLeft"); // the slider's own key: no other latent is opened
    expect(await page.inputValue("#opacity")).toBe("99");
    expect(await page.locator("#latent-page h1").textContent()).toBe("Latent 5");
    await page.fill("#opacity", "40");
    expect(
      await page.evaluate<string>(
        "getComputedStyle(document.querySelector('#latent-page canvas.heat')).opacity",
      ),
    ).toBe("0.4");
  });

  it("shows hostile names as the text they are", async () => {
    await open({ hash: "#/latent/61" });
    expect(await page.locator("#latent-page figcaption").first().textContent()).toContain(
      `<img src=x onerror="alert('1')">`,
    );
    expect(await page.locator("#latent-page .file").first().textContent()).toBe("</script><b>\"ʻžé'.jpg");
    expect(await page.evaluate("document.querySelectorAll('#latent-page b, img[src=x]').length")).toBe(0);
    await open({ hash: "#/latent/999" }); // no such latent: the overview
    expect(await page.locator("#overview-page").isVisible()).toBe(true);
  });

  it("follows the system's colours and lets the reader choose", async () => {
    await open({ dark: true });
    expect(await background()).toBe("rgb(20, 22, 26)");
    await page.keyboard.press("d");
    expect(await background()).toBe("rgb(246, 245, 242)");
    await page.reload();
    expect(await background()).toBe("rgb(246, 245, 242)"); // remembered
    await page.evaluate("localStorage.clear()");
    await open();
    expect(await background()).toBe("rgb(246, 245, 242)");
  });

  it.each([360, 768, 1600])("fits %i pixels without scrolling sideways", async (width) => {
    for (const hash of ["", "#/latent/61"]) {
      await open({ width, height: 800, hash });
      expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
    }
  });

  it("has readable contrast, names and alternatives", async () => {
    for (const dark of [false, true]) {
      await open({ dark, hash: "#/latent/12" });
      const worst = await page.evaluate<number>(`(() => {
        const light = (c) => { const [r, g, b] = c.match(/[\\d.]+/g).map((x) => { x /= 255; return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
        const ground = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (!/, 0\\)$/.test(c)) return c; } return "rgb(255,255,255)"; };
        return Math.min(...[...document.querySelectorAll("dt, dd, p, h1, h2, a, button, figcaption span, footer")].filter((e) => e.textContent.trim() && e.checkVisibility() && !e.classList.contains("off")).map((e) => { const a = light(getComputedStyle(e).color), b = light(ground(e)); return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); }));
      })()`);
      expect(worst).toBeGreaterThan(4.5);
      expect(await page.evaluate("document.querySelectorAll('img:not([alt]), button:empty').length")).toBe(0);
      expect(
        await page.evaluate("document.querySelectorAll('h1').length > 0 && document.documentElement.lang"),
      ).toBe("en");
    }
  });

  it("asks for nothing but files beside it, and reports no problem", async () => {
    await open();
    await page.waitForLoadState("networkidle");
    expect(problems).toEqual([]);
    const here = pathToFileURL(root).href;
    expect(requests.filter((url) => !url.startsWith(here) && !url.startsWith("data:"))).toEqual([]);
    expect(
      await page.evaluate("[...document.images].filter((i) => i.complete && i.naturalWidth === 0).length"),
    ).toBe(0);
  });

  it("keeps pictures small: one of each size an image, however many latents show it", () => {
    const folder = path.join(root, "gallery", "images");
    const sizes = readdirSync(folder).map((name) => statSync(path.join(folder, name)).size);
    expect(sizes.length).toBe(testContent().nImages);
    expect(Math.max(...sizes)).toBeLessThan(120_000);
  });
});
