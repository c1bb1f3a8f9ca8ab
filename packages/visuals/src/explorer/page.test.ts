import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeVisuals } from "../make-visuals.js";
import { seriousFaults } from "../testing/axe.js";
import { chromiumPath, launchChromium } from "../testing/chromium.js";
import { smallRun } from "../testing/small-run.js";
import { Collection } from "./collection.js";
import { type ExplorerServer, serveExplorer } from "./server/serve.js";

const chromium = chromiumPath();
const folder = mkdtempSync(path.join(tmpdir(), "saev-page-"));
const metrics = path.join(folder, "runs", "one", "metrics.jsonl");
let collection: Collection;
let server: ExplorerServer;
let browser: Browser;

describe.skipIf(!chromium)("the explorer's page in Chromium", { timeout: 120_000 }, () => {
  beforeAll(async () => {
    const cfg = await smallRun(folder);
    await makeVisuals({ ...cfg, top_k: 6 });
    await makeVisuals({ ...cfg, top_k: 6, dump_to: path.join(folder, "again") });
    for (const [run, lr] of [
      ["one", 1e-3],
      ["two", 2e-3],
    ] as const) {
      const dir = path.join(folder, "runs", run);
      mkdirSync(dir, { recursive: true });
      writeFileSync(path.join(dir, "config.json"), JSON.stringify({ lr, seed: 0 }));
      writeFileSync(
        path.join(dir, "metrics.jsonl"),
        '{"step":10,"loss":2,"mse":1,"l0":9}\n{"step":20,"loss":1,"mse":0.5,"l0":8}\n',
      );
    }
    collection = await Collection.open([folder]);
    server = await serveExplorer(collection);
    browser = await launchChromium(chromium!);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    collection?.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Opens an address in a tab whose console must stay clean and whose requests must stay on this machine. */
  async function visit(
    hash: string,
    work: (tab: Page) => Promise<void>,
    options: BrowserContextOptions = {},
  ) {
    const context = await browser.newContext({ acceptDownloads: true, ...options });
    const tab = await context.newPage();
    const problems: string[] = [];
    tab.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    tab.on("pageerror", (error) => problems.push(error.message));
    tab.on("request", (request) => {
      const { protocol, hostname } = new URL(request.url());
      if (protocol === "http:" && hostname !== "127.0.0.1") problems.push(request.url());
    });
    await tab.goto(server.url);
    const [place, query = ""] = hash.split("?");
    await tab.goto(`http://127.0.0.1:${server.port}/?${query}#${place}`);
    await work(tab);
    await context.close();
    expect(problems).toEqual([]);
  }
  const listed = (tab: Page) => tab.locator(".list-bar p").textContent();

  test("finds latents by words, state and a dragged region, which the address holds; exports them", async () => {
    await visit("/views/v0", async (tab) => {
      await tab.locator(".latents td a").first().waitFor();
      expect(await listed(tab)).toBe("12 of 12 latents");
      await tab.getByLabel("dead", { exact: false }).last().uncheck();
      await expect.poll(() => listed(tab)).toBe("10 of 12 latents");
      await tab.locator("#find").fill("7");
      await expect.poll(() => listed(tab)).toBe("1 of 12 latents");
      await tab.getByRole("button", { name: "Show all" }).click();
      await expect.poll(() => listed(tab)).toBe("12 of 12 latents");
      const box = (await tab.locator(".brush").boundingBox())!;
      await tab.mouse.move(box.x + 2, box.y + 2);
      await tab.mouse.down();
      await tab.mouse.move(box.x + box.width - 2, box.y + box.height - 2, { steps: 4 });
      await tab.mouse.up();
      await expect.poll(() => listed(tab)).toBe("10 of 12 latents");
      expect(tab.url()).toMatch(/frequency=.*mean=/);
      await tab.reload();
      await expect.poll(() => listed(tab)).toBe("10 of 12 latents");
      await tab.getByRole("button", { name: "Grid" }).click();
      await tab.locator(".cards li").first().waitFor();
      const [download] = await Promise.all([
        tab.waitForEvent("download"),
        tab.getByRole("button", { name: "Export as CSV" }).click(),
      ]);
      const rows = readFileSync(await download.path(), "utf8")
        .trim()
        .split("\r\n");
      expect(rows[0]).toBe("latent,state,frequency,mean,max,percentile,best_image,name,note");
      expect(rows).toHaveLength(11);
    });
  });

  test("a latent: heat maps, patches by keyboard, a name that stays", async () => {
    await visit("/views/v0/latents/3", async (tab) => {
      const picture = tab.locator(".images img").first();
      await picture.waitFor();
      await expect
        .poll(() => picture.evaluate((img: HTMLImageElement) => img.naturalWidth))
        .toBeGreaterThan(0);
      await tab.getByRole("button", { name: "Heat map" }).click();
      await expect.poll(() => tab.locator(".heat").first().isVisible()).toBe(false);
      await tab.getByRole("button", { name: "Heat map" }).click();
      await tab.locator(".images button").first().click();
      await tab.getByRole("dialog").waitFor();
      const patch = () => tab.locator("dialog [role=status]").textContent();
      const before = await patch();
      await tab.keyboard.press(/column 0/.test(before!) ? "ArrowRight" : "ArrowLeft");
      await expect.poll(patch).not.toBe(before);
      await tab.keyboard.press("Escape");
      await tab.getByLabel("Name", { exact: true }).fill("<b>wheels</b>");
      await tab.getByRole("button", { name: "Save" }).click();
      await tab.getByText("Saved.").waitFor();
      await tab.reload();
      await tab.getByRole("heading", { name: "<b>wheels</b>" }).waitFor();
      await tab.locator("body").press("Escape");
      await tab.locator("#find").fill("wheel");
      await expect.poll(() => listed(tab)).toBe("1 of 12 latents");
    });
  });

  test("two SAEs are compared, latent by latent", async () => {
    await visit("/compare/v0/v1", async (tab) => {
      await tab.locator(".pair").first().waitFor();
      await expect.poll(() => tab.getByRole("button", { name: /Shared/ }).textContent()).toBe("Shared 10");
    });
  });

  test("a map needs some latents, and says so", async () => {
    await visit("/views/v0/map", async (tab) => {
      await tab.getByText("too few for a map").waitFor();
    });
  });

  test("runs: configs side by side, curves that grow while a run trains", async () => {
    await visit("/runs", async (tab) => {
      await tab.getByRole("heading", { name: "Configs" }).waitFor();
      expect(await tab.locator("tr.differs th").allTextContents()).toEqual(["lr"]);
      const points = () => tab.locator('[aria-labelledby="curves"] svg path').count();
      await expect.poll(points).toBeGreaterThan(0);
      appendFileSync(metrics, '{"step":30,"loss":0.5,"mse":0.2,"l0":7}\n');
      await tab.getByText("step 30").waitFor({ timeout: 15_000 });
    });
  });

  const pages = ["/", "/views/v0", "/views/v0?list=grid", "/views/v0/latents/2", "/compare/v0/v1", "/runs"];
  test.each([
    ["light", 1280],
    ["dark", 360],
  ] as const)("axe finds nothing serious in %s at %i pixels", async (colorScheme, width) => {
    for (const page of pages) {
      const options = { colorScheme, viewport: { width, height: 800 }, bypassCSP: true };
      await visit(
        page,
        async (tab) => {
          await tab.locator("h1").first().waitFor();
          await tab.waitForTimeout(300);
          const found = await seriousFaults(tab);
          expect([page, found]).toEqual([page, []]);
          const wide = await tab.evaluate(() => document.documentElement.scrollWidth > innerWidth);
          expect([page, wide]).toEqual([page, false]);
        },
        options,
      );
    }
  });
});
