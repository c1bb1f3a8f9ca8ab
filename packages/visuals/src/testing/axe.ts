import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const script = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface AxeCore {
  readonly run: (options: object) => Promise<{
    readonly violations: readonly { id: string; impact: string; nodes: readonly { html: string }[] }[];
  }>;
}

/**
 * What axe finds serious or critical on a page as it stands, a line for each rule.
 * @param tab of a context with `bypassCSP`: axe is a script of ours that the page's content policy rightly refuses.
 */
export async function seriousFaults(tab: Page): Promise<string[]> {
  await tab.evaluate(script);
  return tab.evaluate(async () => {
    // All rules are run; what they pass is not written up, which takes longer than the rules.
    const options = { resultTypes: ["violations"] };
    const { violations } = await (globalThis as unknown as { axe: AxeCore }).axe.run(options);
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  });
}
