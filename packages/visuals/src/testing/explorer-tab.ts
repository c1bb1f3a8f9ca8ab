import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { expect } from "vitest";
import type { ExplorerServer } from "../explorer/server/serve.js";
import { seriousFaults } from "./axe.js";

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
    const context = await this.context({ bypassCSP: true });
    const problems: string[] = [];
    context.on("page", (tab) => watch(tab, this.server.port, problems));
    const tab = await context.newPage();
    for (const place of places) {
      await tab.setViewportSize({ width: 1280, height: 900 });
      await tab.goto(this.address(place));
      await ready(tab, place);
      for (const [colorScheme, width, height, rules] of screens) {
        await tab.emulateMedia({ colorScheme });
        await tab.setViewportSize({ width, height });
        const shot = process.env.SAEV_TEST_SHOTS;
        if (shot) {
          await tab.evaluate(allPictures);
          await tab.waitForTimeout(500);
          const name = `${place.replace(/\W+/g, "-")}-${colorScheme}-${width}.png`;
          await tab.screenshot({ path: `${shot}/${name}`, fullPage: width < 3000 });
        }
        const beyond = Math.max(0, await tab.evaluate(overflow));
        const found = rules ? await seriousFaults(tab, rules) : [];
        expect({ place, colorScheme, width, beyond, found }).toEqual({
          ...{ place, colorScheme, width },
          ...{ beyond: 0, found: [] },
        });
      }
    }
    await context.close();
    expect(problems).toEqual([]);
  }
}

/** What axe looks at: every rule in both layouts, and each theme's colours in each layout. The widest has those of a desktop. */
const screens = [
  ["light", 1280, 900, "all"],
  ["dark", 1280, 900, "looks"],
  ["dark", 360, 800, "all"],
  ["light", 360, 800, "looks"],
  ["light", 3840, 2160, undefined],
] as const;

/** Runs in the page: asks for the pictures far below the screen too, which a shot of the whole page would show empty. */
async function allPictures(): Promise<void> {
  const loaded = [...document.images].map((img) => {
    img.loading = "eager";
    return img.decode().catch(() => {});
  });
  await Promise.all(loaded);
}

/** Runs in the page: what is drawn anew for another width has been by then. @returns how much is beyond the screen, in pixels. */
async function overflow(): Promise<number> {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  await frame();
  await frame();
  await new Promise((resolve) => setTimeout(resolve, 30));
  const { scrollWidth } = document.documentElement;
  // A dialog lies over the page and scrolls for itself: the page's width does not tell of it.
  const dialog = document.querySelector("dialog[open]");
  const { left, right } = dialog?.getBoundingClientRect() ?? { left: 0, right: 0 };
  const inside = dialog ? dialog.scrollWidth - dialog.clientWidth : 0;
  return Math.max(scrollWidth - innerWidth, Math.ceil(right) - innerWidth, Math.ceil(-left), inside);
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
