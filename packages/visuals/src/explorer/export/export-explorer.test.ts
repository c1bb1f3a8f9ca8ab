import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeVisuals } from "../../make-visuals.js";
import { chromiumPath, launchChromium } from "../../testing/chromium.js";
import { smallRun } from "../../testing/small-run.js";
import { Collection } from "../collection.js";
import { exportFile, exportFolder } from "./export-explorer.js";

const folder = mkdtempSync(path.join(tmpdir(), "saev-export-"));
let collection: Collection;

beforeAll(async () => {
  const { root } = await makeVisuals(await smallRun(folder));
  // As the Python package leaves them: nothing says which SAE and which pictures they are of.
  const bare = path.join(folder, "bare", "sort_by_patch");
  cpSync(root, bare, { recursive: true });
  rmSync(path.join(bare, "visuals.json"));
  collection = await Collection.open([root, bare]);
  // Text that ends a script, were it not guarded against.
  await collection.views.get("v0")!.notes.write(3, { name: "</script><b>wheels", note: "<!-- of cars" });
});
afterAll(() => {
  collection.dispose();
  rmSync(folder, { recursive: true, force: true });
});

test("a folder with files in it is left alone", async () => {
  const out = path.join(folder, "taken");
  mkdirSync(out);
  writeFileSync(path.join(out, "mine.txt"), "mine");
  await expect(exportFolder(collection, out)).rejects.toThrow(/taken: expected a new or an empty folder/);
  expect(readdirSync(out)).toEqual(["mine.txt"]);
});

test("an export that is stopped leaves nothing", async () => {
  const before = readdirSync(folder);
  const controller = new AbortController();
  const options = { signal: controller.signal, onProgress: () => controller.abort(new Error("enough")) };
  await expect(exportFolder(collection, path.join(folder, "stopped"), options)).rejects.toThrow("enough");
  await expect(
    exportFile(collection, path.join(folder, "stopped.html"), {
      ...options,
      signal: AbortSignal.abort(new Error("enough")),
    }),
  ).rejects.toThrow("enough");
  expect(readdirSync(folder)).toEqual(before);
});

const chromium = chromiumPath();
describe.skipIf(!chromium)("opened from disk in Chromium", () => {
  const exports = [
    [
      "a folder",
      (latents: number[]) => exportFolder(collection, path.join(folder, "supplement"), { latents }),
    ],
    [
      "one file",
      (latents: number[]) => exportFile(collection, path.join(folder, "supplement.html"), { latents }),
    ],
  ] as const;
  test.each(exports)("%s shows the latents that were asked for", async (_, write) => {
    const page = await write([1, 3, 99]);
    const browser = await launchChromium(chromium!);
    try {
      const tab = await browser.newPage();
      const problems: string[] = [];
      tab.on("console", (message) => message.type() === "error" && problems.push(message.text()));
      tab.on("pageerror", (error) => problems.push(error.message));
      tab.on("request", (request) => {
        if (!/^(file|data):/.test(request.url())) problems.push(request.url());
      });
      await tab.goto(pathToFileURL(page).href);
      await tab.locator("main a").first().click();
      await tab.locator(".latents td a").first().waitFor();
      expect((await tab.locator(".latents td a").allTextContents()).sort()).toEqual(["1", "3"]);
      await tab.getByRole("link", { name: "3", exact: true }).click();
      await tab.getByRole("heading", { name: "</script><b>wheels" }).waitFor();
      expect(await tab.locator(".words").textContent()).toBe("<!-- of cars");
      expect(await tab.locator(".note").count()).toBe(0);
      const picture = tab.locator(".images img").first();
      await expect
        .poll(() => picture.evaluate((img: HTMLImageElement) => img.naturalWidth))
        .toBeGreaterThan(0);
      // What the server refuses is said in its words, and is no error to the browser.
      for (const [place, words] of [
        ["/views/v0/map", "too few for a map"],
        ["/views/v0/image", "this is not part of the export"],
        ["/views/v1/latents/3", "does not say which SAE it shows"],
        ["/compare/v0/v1", "does not say which SAE it shows"],
      ] as const) {
        await tab.goto(`${pathToFileURL(page).href}#${place}`);
        await tab.getByText(words).waitFor();
      }
      expect(problems).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});
