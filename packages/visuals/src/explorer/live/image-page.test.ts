import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Tensor, writeSafetensors } from "@saev/core";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { scratchFolder } from "../../../../core-native/src/activations/testing/dataset.js";
import { makeVisuals } from "../../make-visuals.js";
import { chromiumPath, launchChromium } from "../../testing/chromium.js";
import { ExplorerTabs } from "../../testing/explorer-tab.js";
import { dSae, dVit, liveRun, nImages, picture } from "../../testing/live-run.js";
import { smallRun } from "../../testing/small-run.js";
import { Collection } from "../collection.js";
import { type ExplorerServer, serveExplorer } from "../server/serve.js";

process.env.OMP_NUM_THREADS = "1";

const chromium = chromiumPath();
const folder = scratchFolder("saev-image-page-");
const file = path.join(folder, "mine <b>.png");
let collection: Collection;
let server: ExplorerServer;
let tabs: ExplorerTabs;
let [live, gone] = ["", ""];

describe.skipIf(!chromium)("the image page in Chromium", { timeout: 120_000 }, () => {
  beforeAll(async () => {
    const { root } = await makeVisuals(await liveRun(folder));
    const without = (await makeVisuals({ ...(await smallRun(path.join(folder, "made-up"))), n_latents: 2 }))
      .root;
    await picture(5).png().toFile(file);
    writeFileSync(path.join(folder, "broken.png"), readFileSync(file).subarray(0, 200));
    const classes = path.join(folder, "classes.safetensors");
    await writeSafetensors(
      classes,
      {
        embeddings: Tensor.from(
          Float32Array.from({ length: 16 }, (_, i) => Math.cos(3 * i)),
          [2, 8],
        ),
      },
      { metadata: { labels: JSON.stringify(["a cat", "a dog"]) } },
    );
    const patchHead = path.join(folder, "head.safetensors");
    const weight = Float32Array.from({ length: 3 * dVit }, (_, i) => Math.sin(5 * i));
    await writeSafetensors(
      patchHead,
      { weight: Tensor.from(weight, [3, dVit]) },
      { metadata: { labels: JSON.stringify(["sky", "grass", "bird"]) } },
    );
    collection = await Collection.open([root, without], { classes, patchHead });
    const id = (at: string) => [...collection.views.values()].find((v) => v.tables.folder === at)!.id;
    [live, gone] = [id(root), id(without)];
    server = await serveExplorer(collection);
    tabs = new ExplorerTabs(await launchChromium(chromium!), server);
  }, 120_000);
  afterAll(async () => {
    await tabs?.browser.close();
    await server?.close();
    collection?.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  const selected = (tab: Page) => tab.locator('.patch[aria-pressed="true"]').count();
  const naturalWidth = (tab: Page) =>
    tab.locator("img.whole").evaluate((img: HTMLImageElement) => img.naturalWidth);

  test("a dropped picture: patches by mouse and keys, latents, steering, all in the address", async () => {
    await tabs.visit(
      `/views/${live}/image`,
      async (tab) => {
        await tab.locator(".drop").waitFor();
        const data = await tab.evaluateHandle((base64) => {
          const transfer = new DataTransfer();
          const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
          transfer.items.add(new File([bytes], "mine <b>.png", { type: "image/png" }));
          return transfer;
        }, readFileSync(file).toString("base64"));
        await tab.dispatchEvent(".drop", "drop", { dataTransfer: data });
        await tab.getByRole("heading", { name: "mine <b>.png" }).waitFor();
        await expect.poll(() => naturalWidth(tab)).toBeGreaterThanOrEqual(448);
        expect(tab.url()).toMatch(/image=u[0-9a-f]{24}/);
        await tab.getByText("All patches").waitFor();
        expect(await tab.locator(".patch").count()).toBe(16);
        const wholeList = await tab.locator(".patch-latents li").count();
        expect(wholeList).toBeGreaterThan(0);

        // A click takes one patch, a drag a rectangle, with Ctrl they add up.
        await tab.locator('[data-patch="5"]').click();
        await tab.getByText("1 of 16 patches selected").waitFor();
        expect(tab.url()).toMatch(/patches=5(&|#)/);
        const box = (await tab.locator(".patches").boundingBox())!;
        const at = (column: number, row: number) =>
          [box.x + ((column + 0.5) * box.width) / 4, box.y + ((row + 0.5) * box.height) / 4] as const;
        await tab.mouse.move(...at(0, 0));
        await tab.mouse.down();
        await tab.mouse.move(...at(1, 1), { steps: 3 });
        await tab.mouse.up();
        await expect.poll(() => selected(tab)).toBe(4);
        await tab.mouse.move(...at(3, 3));
        expect(await selected(tab)).toBe(4);
        await tab.keyboard.down("Control");
        await tab.mouse.click(...at(3, 3));
        await tab.keyboard.up("Control");
        await expect.poll(() => selected(tab)).toBe(5);

        // The same by keys.
        await tab.keyboard.press("Escape");
        await expect.poll(() => selected(tab)).toBe(0);
        await tab.keyboard.press("ArrowLeft");
        await tab.keyboard.press("Shift+ArrowUp");
        await expect.poll(() => selected(tab)).toBe(2);
        await tab.keyboard.press("Space");
        await expect.poll(() => selected(tab)).toBe(1);
        await tab.keyboard.press("Control+a");
        await expect.poll(() => selected(tab)).toBe(16);
        await tab.locator('[data-patch="6"]').click();
        await expect.poll(() => selected(tab)).toBe(1);

        // Latents of the patch, with their top images; where one fires.
        const first = tab.locator(".patch-latents li").first();
        await expect.poll(() => first.locator(".strip img").count()).toBeGreaterThan(0);
        await first.getByRole("button", { name: /Show where/ }).click();
        await tab.locator(".look .heat").waitFor();
        const href = await first.getByRole("link").getAttribute("href");
        expect(href).toMatch(/views\/v\d+\/latents\/\d+$/);

        // Steering.
        await first.getByRole("button", { name: /^Steer/ }).click();
        const cosine = () =>
          tab
            .getByText(/^cosine 0\.\d{4}|^cosine 1\.0000/)
            .first()
            .textContent();
        await tab.getByText("Embedding", { exact: true }).waitFor();
        const suppressed = await cosine();
        await tab.getByLabel(/What is done to/).selectOption("set");
        await tab.getByLabel(/value as a number/).fill("40");
        await expect.poll(cosine).not.toBe(suppressed);
        await tab.getByLabel("in the selected patches only").check();
        await tab.getByRole("button", { name: "Show the reconstruction's change" }).click();
        await expect.poll(() => tab.getByText(/shown: the reconstruction's change/).count()).toBe(1);
        // Of the picture's labels, and of those of its patches.
        expect(await tab.getByRole("columnheader", { name: "after" }).count()).toBe(2);
        await tab.getByText(/Steering changes \d+ of 16/).waitFor();
        expect(tab.url()).toMatch(/patches=6&steer=\d+s40&where=selected&show=moved/);

        // The address brings all of it back, while the picture is kept.
        await tab.reload();
        await tab.getByText("1 of 16 patches selected").waitFor();
        await tab.getByRole("columnheader", { name: "after" }).first().waitFor();
        expect(await tab.getByLabel(/value as a number/).inputValue()).toBe("40");
        await tab.getByRole("button", { name: /^Leave / }).click();
        await expect.poll(() => tab.getByRole("columnheader", { name: "after" }).count()).toBe(0);
        await tab.getByRole("button", { name: "Show the labels" }).click();
        const layer = tab.locator("canvas.labels-of-patches");
        await expect
          .poll(() => layer.evaluate((c: HTMLCanvasElement) => [c.width, c.height]))
          .toEqual([4, 4]);
        expect(tab.url()).toContain("show=labels");
      },
      { viewport: { width: 1280, height: 1100 } },
    );
  });

  test("a file chosen, an image of the dataset, one from a latent's page", async () => {
    await tabs.visit(`/views/${live}`, async (tab) => {
      await tab.getByRole("link", { name: "Your own image" }).click();
      // Some of the dataset to begin with.
      await tab
        .getByRole("button", { name: /^image \d of the dataset$/ })
        .nth(1)
        .click();
      await tab.getByRole("heading", { name: "all/1.png" }).waitFor();
      expect(await tab.getByRole("button", { name: "of the dataset" }).count()).toBe(0);
      await tab.locator("input[type=file]").setInputFiles(file);
      await tab.getByRole("heading", { name: "mine <b>.png" }).waitFor();
      await tab.getByLabel("Image of the dataset").fill("2");
      await tab.getByRole("button", { name: "Look at it" }).click();
      await tab.getByRole("heading", { name: "all/2.png" }).waitFor();
      await tab.getByRole("button", { name: "A random one" }).click();
      await expect.poll(() => tab.url()).toMatch(new RegExp(`image=d[0-${nImages - 1}]`));
      await tab.getByLabel("Another latent").fill("3");
      await tab.getByRole("button", { name: "Add" }).click();
      await tab.getByLabel("What is done to Latent 3").waitFor();
      await tab.locator(".patch-latents a").first().click();
      await tab.locator(".images button").first().click();
      await tab.getByRole("link", { name: "All latents of this image" }).click();
      await tab.getByRole("heading", { name: /^all\/\d\.png$/ }).waitFor();
    });
  });

  test("a broken file and an upload that is gone are said in words", async () => {
    const expected = /status of (422|404)/; // the browser's own lines on refused requests
    await tabs.visit(
      `/views/${live}/image?image=u0123456789`,
      async (tab) => {
        await tab.getByText("no longer kept: choose its file again").waitFor();
        await tab.locator("input[type=file]").setInputFiles(path.join(folder, "broken.png"));
        await tab.getByRole("alert").filter({ hasText: "the picture" }).last().waitFor();
        await tab.locator("input[type=file]").setInputFiles(file);
        await tab.getByRole("heading", { name: "mine <b>.png" }).waitFor();
      },
      { expected },
    );
  });

  test("where the model is not at hand, the page says so and the rest works", async () => {
    await tabs.visit(`/views/${gone}/image`, async (tab) => {
      await tab.getByText(/Pictures cannot be looked at here: .*made-up/).waitFor();
      await tab.getByRole("link", { name: "All latents" }).click();
      await tab.locator(".latents td a").first().waitFor();
    });
  });

  test("the map: colours, a lasso by pointer and by keys, and the list beside it", async () => {
    await tabs.visit(`/views/${live}/map`, async (tab) => {
      const map = tab.locator(".map .marks");
      await map.waitFor({ timeout: 30_000 });
      const listed = () => tab.locator(".list-bar p").textContent();
      await tab.locator(".latents td a").first().waitFor();
      expect(await listed()).toBe(`${dSae} of ${dSae} latents`);
      const canvas = (at: number) =>
        tab
          .locator(".map canvas")
          .nth(at)
          .evaluate((c: HTMLCanvasElement) => c.toDataURL());

      // Every statistic has colours of its own; the address holds which.
      const seen = new Set([await canvas(0)]);
      const colour = tab.getByRole("combobox", { name: "Colour", exact: true });
      const names = await colour.locator("option").allTextContents();
      expect(names).toEqual([
        ...["log₁₀ frequency", "log₁₀ mean value", "log₁₀ largest value", "percentile", "state"],
      ]);
      for (const name of names.slice(1)) {
        await colour.selectOption(name);
        await expect.poll(async () => seen.has(await canvas(0))).toBe(false);
        seen.add(await canvas(0));
      }
      expect(tab.url()).toMatch(/colour=state/);
      expect(await tab.locator(".legend").textContent()).toBe("alivedensealmost deaddead");
      await tab.emulateMedia({ colorScheme: "dark" });
      await expect.poll(async () => seen.has(await canvas(0))).toBe(false);

      // A row and its point are marked together.
      const before = await canvas(1);
      await tab.locator(".latents tbody a").first().focus();
      await expect.poll(() => canvas(1)).not.toBe(before);
      const latent = await tab.locator(".latents tbody a").first().textContent();
      expect(await tab.locator(".map [role=status]").textContent()).toContain(`latent ${latent}`);

      // Around the left half.
      await map.scrollIntoViewIfNeeded();
      const box = (await map.boundingBox())!;
      const draw = async (corners: readonly (readonly [number, number])[]) => {
        const at = ([x, y]: readonly [number, number]) =>
          [box.x + x * box.width, box.y + y * box.height] as const;
        await tab.mouse.move(...at(corners[0]!));
        await tab.mouse.down();
        for (const corner of corners) await tab.mouse.move(...at(corner), { steps: 4 });
        await tab.mouse.up();
      };
      const [near, half, far] = [0.001, 0.5, 0.999];
      await draw([
        [near, near],
        [half, near],
        [half, far],
        [near, far],
      ]);
      await expect.poll(async () => Number.parseInt((await listed())!, 10)).toBeLessThan(dSae);
      const left = Number.parseInt((await listed())!, 10);
      expect(left).toBeGreaterThan(0);
      expect(await tab.locator(".latents tbody a").count()).toBeLessThanOrEqual(left);
      await tab.reload();
      await expect.poll(listed).toBe(`${left} of ${dSae} latents`);
      // What the filter hides is outside as well.
      await tab.locator("#find").fill("no such latent");
      await expect.poll(listed).toBe(`0 of ${dSae} latents`);
      await tab.getByRole("button", { name: "Show all" }).click();
      await tab.getByRole("button", { name: "Clear the lasso" }).click();
      await expect.poll(listed).toBe(`${dSae} of ${dSae} latents`);

      // By keys: three corners of a triangle, from the middle to the right.
      await tab.getByRole("combobox", { name: "Colour", exact: true }).focus();
      await tab.keyboard.press("Tab");
      expect(await tab.evaluate(() => document.activeElement?.className)).toBe("marks");
      await tab.keyboard.press("Space");
      for (let i = 0; i < 12; i++) await tab.keyboard.press("Shift+ArrowRight");
      for (let i = 0; i < 6; i++) await tab.keyboard.press("Shift+ArrowUp");
      await tab.keyboard.press("Space");
      for (let i = 0; i < 12; i++) await tab.keyboard.press("Shift+ArrowDown");
      await tab.keyboard.press("Space");
      await expect.poll(async () => Number.parseInt((await listed())!, 10)).toBeLessThan(dSae);
      await tab.keyboard.press("Escape");
      await expect.poll(listed).toBe(`${dSae} of ${dSae} latents`);
    });
  });

  test("every page, light and dark, from a phone to 4K: axe finds nothing serious, nothing overflows", async () => {
    const steered = "image=d1&patches=1,2,6&steer=3x0,4s2.5,5x-2&where=selected&show=output";
    const places = [`/views/${live}/image`, `/views/${live}/image?${steered}`, `/views/${live}/map`];
    await tabs.inspect(places, async (tab, place) => {
      const first = place.endsWith("map") ? ".map .marks" : place.includes("steer") ? ".patch" : ".drop";
      await tab.locator(first).first().waitFor();
      if (place.includes("steer")) await tab.getByRole("columnheader", { name: "after" }).first().waitFor();
    });
  });
});
