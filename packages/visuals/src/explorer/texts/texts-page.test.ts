import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeVisuals } from "../../make-visuals.js";
import { nameLatents } from "../../names/name-latents.js";
import { namesFile } from "../../names/names-file.js";
import { chromiumPath, launchChromium } from "../../testing/chromium.js";
import { ExplorerTabs } from "../../testing/explorer-tab.js";
import { namedRun, namedWords, rightName } from "../../testing/named-run.js";
import { Collection } from "../collection.js";
import { type ExplorerServer, serveExplorer } from "../server/serve.js";
import type { FoundLatents, LabelScores, NamesPage } from "./api.js";

process.env.OMP_NUM_THREADS = "1";

const folder = mkdtempSync(path.join(tmpdir(), "saev-texts-"));
const token = "t0ken";
let collection: Collection;
let server: ExplorerServer;
let root = "";

beforeAll(async () => {
  ({ root } = await makeVisuals(await namedRun(folder)));
  collection = await Collection.open([root]);
  await nameLatents(collection.views.get("v0")!, { words: namedWords, file: undefined }, { by: "decoder" });
  server = await serveExplorer(collection, { token });
}, 120_000);
afterAll(async () => {
  await server?.close();
  collection?.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const ask = (address: string, body?: unknown, cookie = `saev-${server.port}=${token}`) =>
  fetch(`http://127.0.0.1:${server.port}/api/views/${address}`, {
    headers: { cookie, origin: `http://127.0.0.1:${server.port}` },
    ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
  });
const living = () => {
  const { frequency } = collection.views.get("v0")!.tables;
  return [...frequency.keys()].filter((latent) => frequency[latent]! > 0);
};

describe("names and texts, from the server", () => {
  test("names are what saev names wrote", async () => {
    const page = (await (await ask("v0/names.json")).json()) as NamesPage;
    expect(Object.keys(page.latents).map(Number)).toEqual(living());
    for (const latent of living()) expect(page.latents[latent]![0]!.word).toBe(rightName(latent));
    expect(page.about.vocabulary.words).toBe(namedWords.length);
  });

  test("a word finds the latent that is named so, and the scores are those of the names", async () => {
    const page = (await (await ask("v0/names.json")).json()) as NamesPage;
    for (const latent of living()) {
      const found = (await (await ask("v0/find", { text: rightName(latent) })).json()) as FoundLatents;
      expect(found.latents[0]).toBe(latent);
      expect(found.latents.length).toBe(living().length);
      expect(found.scores[0]).toBeCloseTo(page.latents[latent]![0]!.score, 3);
    }
  });

  test("labels are scored, and steered pictures with them", async () => {
    const labels = ["cat", "dog", "guitar"];
    const scored = (await (await ask("v0/live/pictures/d1/scores", { labels })).json()) as LabelScores;
    expect(scored.labels).toEqual(labels);
    expect(scored.scores.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6);
    const [latent] = living();
    const name = rightName(latent!);
    const others = namedWords.filter((word) => word !== name).slice(0, 2);
    const steered = await ask("v0/live/pictures/d1/steer", {
      ...{ changes: [{ latent, kind: "set", value: 50 }], rows: null, keepError: false },
      labels: [...others, name],
    });
    const { after } = (await steered.json()) as { after: number[] };
    // The latent's direction is that of its name.
    expect(after[2]).toBeGreaterThan(0.9);
  });

  test("what cannot be read is refused", async () => {
    const status = async (address: string, body: unknown) => (await ask(address, body)).status;
    expect(await status("v0/find", { text: "" })).toBe(400);
    expect(await status("v0/find", { text: 3 })).toBe(400);
    expect(await status("v0/find", { text: "x".repeat(1001) })).toBe(400);
    expect(await status("v0/find", { text: "x".repeat(20_000) })).toBe(413);
    expect(await status("v9/find", { text: "a" })).toBe(404);
    expect((await ask("v0/find", { text: "a" }, "")).status).toBe(403);
    expect(await status("v0/live/pictures/d1/scores", { labels: ["one"] })).toBe(400);
    expect(await status("v0/live/pictures/d1/scores", { labels: ["one", 2] })).toBe(400);
    expect(
      await status("v0/live/pictures/d1/steer", { changes: [], rows: null, keepError: true, labels: "x" }),
    ).toBe(400);
    const file = path.join(root, namesFile);
    const text = readFileSync(file, "utf8");
    writeFileSync(file, "{");
    expect((await ask("v0/names.json")).status).toBe(422);
    rmSync(file);
    expect(await (await ask("v0/names.json")).json()).toBeNull();
    expect(await status("v0/find", { text: "a" })).toBe(404);
    writeFileSync(file, text);
  });
});

const chromium = chromiumPath();

describe.skipIf(!chromium)("names and texts, in Chromium", { timeout: 120_000 }, () => {
  let tabs: ExplorerTabs;
  beforeAll(async () => {
    tabs = new ExplorerTabs(await launchChromium(chromium!), server);
  });
  afterAll(() => tabs?.browser.close());

  const firstLatent = (tab: Page) => tab.locator(".latents tbody tr td a").first().textContent();

  test("latents show their words, are found by them and ranked by any text", async () => {
    const latent = living().at(-1)!;
    await tabs.visit("/views/v0", async (tab) => {
      await tab.locator(".latents td.name").first().waitFor();
      expect(await tab.locator(".latents").textContent()).toContain(rightName(latent));
      await tab.locator("#find").fill(rightName(latent));
      await expect.poll(() => tab.locator(".list-bar p").textContent()).toMatch(/^[1-8] of/);
      expect(await tab.locator(".latents").textContent()).toContain(rightName(latent));
      await tab.locator("#find").fill("");
      await tab.locator("#like").fill(rightName(latent));
      await tab.getByRole("button", { name: "Rank by text" }).click();
      await expect.poll(() => firstLatent(tab)).toBe(String(latent));
      await tab.getByRole("columnheader", { name: "Fit" }).waitFor();
      expect(tab.url()).toMatch(/like=.*sort=fit/);
      await tab.reload();
      await expect.poll(() => firstLatent(tab)).toBe(String(latent));
      await tab.locator(".latents tbody tr td a").first().click();
      await tab.getByRole("heading", { name: "Suggested names" }).waitFor();
      const row = tab.locator('section[aria-labelledby="suggested"] tbody tr').first();
      expect(await row.locator("th").textContent()).toBe(rightName(latent));
    });
  });

  test("labels that are typed are scored, and move with steering", async () => {
    const latent = living()[0]!;
    await tabs.visit(`/views/v0/image?image=d1&steer=${latent}s50&error=out`, async (tab) => {
      await tab.locator("#labels").fill(`${rightName(latent)}, apple, drum, apple`);
      await tab.getByRole("button", { name: "Score" }).click();
      await tab.getByRole("columnheader", { name: "after" }).waitFor();
      const rows = await tab.locator("caption", { hasText: "Zero-shot" }).count();
      expect(rows).toBe(2);
      expect(tab.url()).toMatch(/label=.*label=.*label=/);
    });
  });

  test("every page, light and dark, from a phone to 4K: axe finds nothing serious, nothing overflows", async () => {
    const places = [
      "/views/v0?like=cat&sort=fit",
      `/views/v0/latents/${living()[0]!}`,
      "/views/v0/image?image=d1&label=a&label=b",
    ];
    await tabs.inspect(places, (tab, place) =>
      tab
        .locator(place.includes("image") ? "caption" : "td a, #suggested")
        .first()
        .waitFor(),
    );
  });
});
