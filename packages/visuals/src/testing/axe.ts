import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const script = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface AxeCore {
  readonly run: (options: object) => Promise<{
    readonly violations: readonly { id: string; impact: string; nodes: readonly { html: string }[] }[];
  }>;
}

/** Rules whose answer depends on colours or on where things lie: what another theme or width may break. */
const rulesOfLooks = ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"];

/**
 * What axe finds serious or critical on a page as it stands, a line for each rule.
 * @param tab of a context with `bypassCSP`: axe is a script of ours that the page's content policy rightly refuses.
 * @param which `all` rules that axe has switched on, or those of `looks`: for a page whose markup another look has shown.
 */
export async function seriousFaults(tab: Page, which: "all" | "looks" = "all"): Promise<string[]> {
  if (!(await tab.evaluate(() => "axe" in globalThis))) await tab.evaluate(script);
  return tab.evaluate(
    async (rules) => {
      // What passes is not written up, which takes longer than the rules.
      const options = { resultTypes: ["violations"], ...(rules && { runOnly: rules }) };
      const { violations } = await (globalThis as unknown as { axe: AxeCore }).axe.run(options);
      return violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
    },
    which === "looks" ? rulesOfLooks : undefined,
  );
}
