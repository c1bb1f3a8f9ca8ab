import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { expect } from "vitest";
import type { ExplorerServer } from "../explorer/server/serve.js";

export interface TabOptions extends BrowserContextOptions {
  /** Lines of the console that may come: the browser's own on requests that the server rightly refuses. */
  readonly expected?: RegExp | undefined;
}

/** A browser at an explorer's server. */
export class ExplorerTabs {
  constructor(
    readonly browser: Browser,
    readonly server: ExplorerServer,
  ) {}

  /** The address of a place: `/views/v0?find=cat`. */
  address(place: string): string {
    const [hash, query = ""] = place.split("?");
    return `http://127.0.0.1:${this.server.port}/?${query}#${hash}`;
  }

  /** A browser that was at the address with the token before. */
  async context(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    const token = new URL(this.server.url).searchParams.get("token")!;
    const cookie = {
      name: `saev-${this.server.port}`,
      value: token,
      url: `http://127.0.0.1:${this.server.port}`,
    };
    context.setDefaultTimeout(15_000);
    await context.addCookies([{ ...cookie, httpOnly: true, sameSite: "Strict" }]);
    return context;
  }

  /**
   * Opens a place in a tab whose console must stay clean, and whose requests must all go to the server.
   * @param work what is done there.
   */
  async visit(place: string, work: (tab: Page) => Promise<void>, options: TabOptions = {}): Promise<void> {
    const { expected = /^$/, ...others } = options;
    const context = await this.context(others);
    const problems: string[] = [];
    context.on("page", (tab) => watch(tab, this.server.port, problems));
    const tab = await context.newPage();
    await tab.goto(this.address(place));
    await work(tab);
    await context.close();
    expect(problems.filter((problem) => !expected.test(problem))).toEqual([]);
  }

  /**
   * Every place in light and dark, from a phone to 4K: axe finds nothing serious, nothing is wider than the screen.
   * @param ready waits until a place has what it shows.
   */
  async inspect(
    places: readonly string[],
    ready: (tab: Page, place: string) => Promise<unknown>,
  ): Promise<void> {
    // axe is a script of ours that the page's content policy rightly refuses.
    const context = await this.context({ bypassCSP: true });
    const problems: string[] = [];
    context.on("page", (tab) => watch(tab, this.server.port, problems));
    const tab = await context.newPage();
    for (const place of places) {
      await tab.setViewportSize({ width: 1280, height: 900 });
      await tab.goto(this.address(place));
      await ready(tab, place);
      await tab.evaluate(axe);
      for (const [colorScheme, width, height, whole] of screens) {
        await tab.emulateMedia({ colorScheme });
        await tab.setViewportSize({ width, height });
        const shot = process.env.SAEV_TEST_SHOTS;
        if (shot) {
          await tab.waitForTimeout(500);
          const name = `${place.replace(/\W+/g, "-")}-${colorScheme}-${width}.png`;
          await tab.screenshot({ path: `${shot}/${name}`, fullPage: width < 3000 });
        }
        const found = await tab.evaluate(findings, whole);
        expect({ place, colorScheme, width, found }).toEqual({ place, colorScheme, width, found: [] });
      }
    }
    await context.close();
    expect(problems).toEqual([]);
  }
}

/** axe takes most of the time, and on a wall of pixels it would find what it finds on a desk. */
const screens = [
  ["light", 1280, 900, true],
  ["dark", 1280, 900, true],
  ["dark", 360, 800, true],
  ["light", 360, 800, true],
  ["light", 3840, 2160, false],
] as const;

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface AxeCore {
  readonly run: (options: unknown) => Promise<{
    readonly violations: readonly { id: string; impact: string; nodes: readonly { html: string }[] }[];
  }>;
}

/** Runs in the page. @param whole axe too. */
async function findings(whole: boolean): Promise<string[]> {
  // What is drawn anew for another width has been by then.
  await new Promise((resolve) =>
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve, 30))),
  );
  const { run } = (globalThis as unknown as { axe: AxeCore }).axe;
  const { violations } = whole ? await run({ resultTypes: ["violations"] }) : { violations: [] };
  const found = violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  const page = document.documentElement;
  if (page.scrollWidth > innerWidth)
    found.push(`${page.scrollWidth} pixels wide on a screen of ${innerWidth}`);
  return found;
}

function watch(tab: Page, port: number, problems: string[]): void {
  tab.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  tab.on("pageerror", (error) => problems.push(error.message));
  tab.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (origin !== `http://127.0.0.1:${port}` && protocol !== "blob:" && protocol !== "data:")
      problems.push(request.url());
  });
}
