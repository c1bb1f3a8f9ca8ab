import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { SparseAutoencoder, Tensor } from "@saev/core";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeVisuals } from "../make-visuals.js";
import { chromiumPath, launchChromium } from "../testing/chromium.js";
import { ExplorerTabs } from "../testing/explorer-tab.js";
import { dSae, dVit, latentOf, nPatches, smallRun } from "../testing/small-run.js";
import { Collection } from "./collection.js";
import { type ExplorerServer, serveExplorer } from "./server/serve.js";

const chromium = chromiumPath();
const folder = mkdtempSync(path.join(tmpdir(), "saev-page-"));
const run = path.join(folder, "runs", "one");
let collection: Collection;
let server: ExplorerServer;
let tabs: ExplorerTabs;

/** Of the second SAE: the first one's latents in the opposite order, and latent 0 pointing the other way. */
const mirrored = (latent: number) => dSae - 1 - latent;

async function mirror(ckpt: string, to: string): Promise<void> {
  using sae = await SparseAutoencoder.load(ckpt);
  const { wEnc, bEnc, wDec, bDec } = sae.tensors();
  const [enc, bias, dec] = [wEnc.toFloat32Array(), bEnc.toFloat32Array(), wDec.toFloat32Array()];
  using other = SparseAutoencoder.from({
    wEnc: Tensor.from(
      enc.map((_, i) => enc[i - (i % dSae) + mirrored(i % dSae)]!),
      [dVit, dSae],
    ),
    bEnc: Tensor.from(bias.map((_, i) => bias[mirrored(i)]!)),
    wDec: Tensor.from(
      dec.map((_, i) => {
        const at = mirrored(Math.floor(i / dVit));
        return (at === 0 ? -1 : 1) * dec[at * dVit + (i % dVit)]!;
      }),
      [dSae, dVit],
    ),
    bDec,
  });
  await other.save(to);
}

describe.skipIf(!chromium)("the explorer's page in Chromium", { timeout: 120_000 }, () => {
  beforeAll(async () => {
    const cfg = await smallRun(folder);
    const ckpt = path.join(folder, "mirrored.pt");
    await mirror(cfg.ckpt, ckpt);
    const one = { ...cfg, top_k: 6, n_latents: 1 };
    await makeVisuals(one);
    await makeVisuals({ ...one, ckpt, dump_to: path.join(folder, "second") });
    for (const [at, lr] of [
      [run, 1e-3],
      [path.join(folder, "runs", "two"), 2e-3],
    ] as const) {
      mkdirSync(at, { recursive: true });
      writeFileSync(path.join(at, "config.json"), JSON.stringify({ lr, seed: 0 }));
      // The first run is one of ours: its run.json has the kinds, which config.json leaves out.
      const kinds = { sae: { kind: "top-k" }, objective: { kind: "vanilla" } };
      if (at === run)
        writeFileSync(path.join(at, "run.json"), JSON.stringify({ config: { ...kinds, lr, seed: 0 } }));
      writeFileSync(
        path.join(at, "metrics.jsonl"),
        '{"step":10,"loss":2,"mse":1,"l0":9}\n{"step":20,"loss":1,"mse":0.5,"l0":8}\n',
      );
    }
    collection = await Collection.open([folder]);
    server = await serveExplorer(collection);
    tabs = new ExplorerTabs(await launchChromium(chromium!), server);
  }, 120_000);
  afterAll(async () => {
    await tabs?.browser.close();
    await server?.close();
    collection?.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  const listed = (tab: Page) => tab.locator(".list-bar p").textContent();
  const shown = (tab: Page) => tab.locator(".latents tbody td:nth-child(2)").allTextContents();

  test("finds latents by words, state and a dragged region, which the address holds; exports them", async () => {
    await tabs.visit("/views/v0", async (tab) => {
      await tab.locator(".latents td a").first().waitFor();
      expect(await listed(tab)).toBe("12 of 12 latents");
      await tab.getByLabel("dead", { exact: false }).last().uncheck();
      await expect.poll(() => listed(tab)).toBe("10 of 12 latents");
      await tab.locator("#find").fill("7");
      await expect.poll(() => listed(tab)).toBe("1 of 12 latents");
      await tab.locator("#find").fill("no such words");
      await expect.poll(() => listed(tab)).toBe("0 of 12 latents");
      // The label of the latents' best images.
      await tab.locator("#find").fill("BIRDS &");
      await expect.poll(() => listed(tab)).toBe("10 of 12 latents");
      expect(new Set(await tab.locator("td.label").allTextContents())).toEqual(new Set(["birds & bees"]));
      await tab.getByRole("button", { name: "Show all" }).click();
      await expect.poll(() => listed(tab)).toBe("12 of 12 latents");

      // Every column sorts, by pointer and by keys, in both directions.
      const head = (name: string) => tab.getByRole("columnheader", { name });
      await head("Latent").getByRole("button").click();
      await expect.poll(async () => (await shown(tab)).slice(0, 3)).toEqual(["0", "1", "2"]);
      await tab.keyboard.press("Enter");
      await expect.poll(async () => (await shown(tab)).slice(0, 3)).toEqual(["11", "10", "9"]);
      for (const name of ["Name and note", "Label", "frequency", "Mean", "Max"]) {
        await head(name).getByRole("button").click();
        await expect.poll(() => head(name).getAttribute("aria-sort")).toMatch(/^(as|des)cending$/);
      }
      expect(tab.url()).toMatch(/sort=max/);
      const maxima = (await tab.locator(".latents tbody td:nth-child(7)").allTextContents()).map(Number);
      expect(maxima).toEqual([...maxima].sort((a, b) => b - a));
      await tab.getByRole("button", { name: "Show all" }).click();

      const box = (await tab.locator(".brush").boundingBox())!;
      await tab.mouse.move(box.x + 2, box.y + 2);
      await tab.mouse.down();
      await tab.mouse.move(box.x + box.width - 2, box.y + box.height - 2, { steps: 4 });
      await tab.mouse.up();
      await expect.poll(() => listed(tab)).toBe("10 of 12 latents");
      expect(tab.url()).toMatch(/frequency=.*mean=/);
      await tab.reload();
      await expect.poll(() => listed(tab)).toBe("10 of 12 latents");
      const inTable = (await shown(tab)).length;
      await tab.getByRole("button", { name: "Grid" }).click();
      await tab.locator(".cards li").first().waitFor();
      expect(await tab.locator(".cards li").count()).toBe(inTable);
      const [download] = await Promise.all([
        tab.waitForEvent("download"),
        tab.getByRole("button", { name: "Export as CSV" }).click(),
      ]);
      const rows = readFileSync(await download.path(), "utf8")
        .trim()
        .split("\r\n");
      expect(rows[0]).toBe("latent,state,frequency,mean,max,percentile,best_image,label,name,note");
      expect(rows).toHaveLength(11);
      await tab.getByRole("button", { name: "Table" }).click();
      await expect.poll(async () => (await shown(tab)).length).toBe(inTable);
    });
  });

  test("a latent: heat maps and their look, patches with values, a name that stays", async () => {
    await tabs.visit(
      "/views/v0/latents/3",
      async (tab) => {
        const picture = tab.locator(".images img").first();
        await expect
          .poll(() => picture.evaluate((img: HTMLImageElement) => img.naturalWidth))
          .toBeGreaterThan(0);
        for (const title of ["From strong to weak", "Random images in which it fires", "How pure it is"])
          await tab.getByRole("heading", { name: title, exact: true }).waitFor();
        await tab.locator('[aria-labelledby="neighbours"] a').first().waitFor();
        // Far below the screen: asked for when they come near, each of an image in which no patch fires.
        const silent = tab.locator('[aria-labelledby="silent"] img');
        await silent.first().scrollIntoViewIfNeeded();
        const widths = () =>
          silent.evaluateAll((all) => (all as HTMLImageElement[]).map((img) => img.naturalWidth));
        await expect.poll(async () => Math.min(...(await widths()))).toBe(160);
        const names = await silent.evaluateAll((all) => (all as HTMLImageElement[]).map((img) => img.alt));
        const images = names.map((name) => Number(/(\d+)\.png$/.exec(name)![1]));
        expect(images.length).toBeGreaterThan(0);
        for (const image of images)
          for (let token = 1; token <= nPatches; token++) expect(latentOf(image, token, 3)).toBe(0);
        expect(await tab.locator(".histogram line").count()).toBe(3);
        expect(await tab.locator(".histogram p").textContent()).toMatch(/50 % up to .*99 % up to/);

        // The look of heat maps: what the first canvas holds, and how it is laid over.
        const heat = tab.locator('[aria-labelledby="top"] .heat');
        const pixels = (at: number) => heat.nth(at).evaluate((c: HTMLCanvasElement) => c.toDataURL());
        const last = (await heat.count()) - 1;
        const before = await Promise.all([pixels(0), pixels(last)]);
        await tab.getByRole("combobox", { name: "Colours", exact: true }).selectOption("ice");
        await expect.poll(() => pixels(0)).not.toBe(before[0]);
        await tab.getByRole("combobox", { name: "Colours", exact: true }).selectOption("plasma");
        await expect.poll(() => pixels(0)).toBe(before[0]);
        await tab.getByLabel("one scale for all images").uncheck();
        await expect.poll(() => pixels(last)).not.toBe(before[1]);
        await tab.getByLabel("Opacity").fill("0.4");
        await expect.poll(() => heat.first().evaluate((c) => getComputedStyle(c).opacity)).toBe("0.4");
        await tab.getByRole("button", { name: "Heat map" }).click();
        await expect.poll(() => heat.first().isVisible()).toBe(false);
        await tab.getByRole("button", { name: "Heat map" }).click();

        // The grid with its values. Keys stop at the picture's edge.
        await tab.locator(".images button").first().focus();
        await tab.keyboard.press("Enter");
        const dialog = tab.getByRole("dialog");
        await dialog.waitFor();
        const patch = () => dialog.locator("[role=status]").textContent();
        for (const key of ["ArrowUp", "ArrowLeft"]) await tab.keyboard.press(key);
        await expect.poll(patch).toContain("row 0, column 0");
        await tab.keyboard.press("ArrowRight");
        await expect.poll(patch).toContain("row 0, column 1");
        await tab.keyboard.press("ArrowRight");
        expect(await patch()).toContain("row 0, column 1");
        const values = (await dialog.locator(".value").allTextContents()).filter((text) => text !== "");
        expect(values.length).toBeGreaterThan(0);
        expect(values.every((text) => Number(text) > 0)).toBe(true);
        await dialog.getByRole("button", { name: "Values" }).click();
        await expect.poll(() => dialog.locator(".value").count()).toBe(0);
        await tab.keyboard.press("Escape");

        await tab.getByLabel("Name", { exact: true }).fill("<b>wheels</b>");
        await tab.getByLabel("Note", { exact: true }).fill("of bicycles");
        await tab.getByRole("button", { name: "Save" }).click();
        await tab.getByText("Saved.").waitFor();
        await tab.reload();
        await tab.getByRole("heading", { name: "<b>wheels</b>" }).waitFor();
        // The look is the browser's to keep.
        expect(await tab.getByLabel("Opacity").inputValue()).toBe("0.4");

        // Another tab does not undo it unseen.
        const other = await tab.context().newPage();
        await other.goto(tabs.address("/views/v0/latents/3"));
        await other.getByLabel("Note", { exact: true }).fill("of cars");
        await other.getByRole("button", { name: "Save" }).click();
        await other.getByText("Saved.").waitFor();
        await other.close();
        await tab.getByLabel("Note", { exact: true }).fill("of prams");
        await tab.getByRole("button", { name: "Save" }).click();
        await tab.getByText("changed elsewhere meanwhile to “<b>wheels</b>: of cars”").waitFor();
        await tab.getByRole("button", { name: "Save" }).click();
        await tab.getByText("Saved.").waitFor();

        // A file that cannot be written: the page says which, and keeps what was typed.
        const { file } = [...collection.views.values()][0]!.notes;
        renameSync(file, `${file}.kept`);
        mkdirSync(file);
        await tab.getByLabel("Note", { exact: true }).fill("of trains");
        await tab.getByRole("button", { name: "Save" }).click();
        await tab.getByText(/notes\.json: .*mend it or move it away/).waitFor();
        expect(await tab.getByLabel("Note", { exact: true }).inputValue()).toBe("of trains");
        rmSync(file, { recursive: true });
        renameSync(`${file}.kept`, file);

        await tab.locator("body").press("Escape");
        await tab.locator("#find").fill("prams");
        await expect.poll(() => listed(tab)).toBe("1 of 12 latents");
        expect(await tab.locator("td.name").first().textContent()).toBe("<b>wheels</b>of prams");
        await tab.getByLabel("with a name or note").check();
        await expect.poll(() => listed(tab)).toBe("1 of 12 latents");
      },
      { expected: /status of (409|422)/ },
    );
  });

  test("two SAEs are compared, latent by latent", async () => {
    const titles = [...collection.views.values()].map(({ title }) => title);
    await tabs.visit("/", async (tab) => {
      // Some of each view's images.
      const strips = tab.locator(".tiles .strip");
      const loaded = () =>
        strips.evaluateAll((all) =>
          all.map((strip) => [...strip.querySelectorAll("img")].filter((img) => img.naturalWidth > 0).length),
        );
      await expect.poll(async () => (await loaded()).map((n) => n > 0)).toEqual([true, true]);
      await tab.getByRole("link", { name: "Compare" }).click();
      const pairs = tab.locator(".pair");
      await pairs.first().waitFor();
      const count = (name: RegExp) => tab.getByRole("button", { name }).textContent();
      // Ten fire; one of them points the other way.
      await expect.poll(() => count(/Shared/)).toBe("Shared 9");
      for (const words of await pairs.allTextContents()) {
        const [, a, b] = /Latent (\d+)1Latent (\d+)/.exec(words)!;
        expect(Number(b)).toBe(mirrored(Number(a)));
      }
      await tab.getByRole("button", { name: /Only A/ }).click();
      await expect.poll(() => pairs.allTextContents()).toEqual(["Latent 0––"]);
      await tab.getByRole("button", { name: /Only B/ }).click();
      await expect.poll(() => pairs.allTextContents()).toEqual(["––Latent 11"]);
      // To choose what B shows for A is to swap them.
      await tab.getByRole("combobox", { name: "A", exact: true }).selectOption(titles[1]!);
      await expect.poll(() => tab.url()).toMatch(/compare\/v1\/v0$/);
      await tab.getByRole("button", { name: /Only A/ }).click();
      await expect.poll(() => pairs.allTextContents()).toEqual(["Latent 11––"]);
      await pairs.first().getByRole("link").click();
      await tab.getByRole("heading", { name: "Latent 11" }).waitFor();
    });
  });

  test("a map needs some latents, and says so", async () => {
    await tabs.visit("/views/v0/map", async (tab) => {
      await tab.getByText("too few for a map").waitFor();
    });
  });

  test("runs: configs side by side, curves that grow while a run trains, until it has ended", async () => {
    await tabs.visit("/runs", async (tab) => {
      await tab.getByRole("heading", { name: "Configs" }).waitFor();
      expect(await tab.locator("tr.differs th").allTextContents()).toEqual([
        ...["sae.kind", "objective.kind", "lr"],
      ]);
      await tab.getByRole("cell", { name: "top-k, vanilla", exact: true }).waitFor();
      // A line through two points, and through three once there are three.
      const points = async () => {
        const lines = tab.locator('[aria-labelledby="curves"] svg path[d^="M"][stroke]');
        const paths = await lines.evaluateAll((all) => all.map((p) => p.getAttribute("d") ?? ""));
        return Math.max(0, ...paths.map((d) => d.match(/[ML]/g)?.length ?? 0));
      };
      await expect.poll(points).toBe(2);
      const metrics = path.join(run, "metrics.jsonl");
      appendFileSync(metrics, '{"step":30,"loss":0.5,"mse":0.2,"l0":7}\n{"step":40,"lo');
      await expect.poll(points, { timeout: 5000 }).toBe(3);
      appendFileSync(metrics, 'ss":0.4,"mse":0.1,"l0":7}\n');
      await expect.poll(points, { timeout: 5000 }).toBe(4);
      await tab.getByText("step 40").waitFor({ timeout: 15_000 });
      writeFileSync(path.join(run, "evaluation.json"), '{"l0":7,"mse":0.1,"n_dead":3}');
      await tab.getByText("finished").waitFor({ timeout: 15_000 });
      await tab.getByRole("columnheader", { name: "dead latents" }).first().waitFor();
      await expect.poll(points).toBe(4);
    });
  });

  test("every page, light and dark, from a phone to 4K: axe finds nothing serious, nothing overflows", async () => {
    const places = [
      "/",
      "/views/v0",
      "/views/v0?list=grid",
      "/views/v0/latents/2",
      "/compare/v0/v1",
      "/runs",
    ];
    await tabs.inspect(places, async (tab, place) => {
      await tab.locator("h1").first().waitFor();
      const last = { latents: '[aria-labelledby="neighbours"] a', compare: ".pair", runs: ".plot svg" };
      for (const [word, selector] of Object.entries(last))
        if (place.includes(word)) await tab.locator(selector).first().waitFor();
    });
    // The dialog with an image's patches, open over its page.
    await tabs.inspect(["/views/v0/latents/2"], async (tab) => {
      await tab.locator(".images button").first().click();
      await tab.locator("dialog[open] .value").first().waitFor();
    });
  });
});
