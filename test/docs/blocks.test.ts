/** What every page must look like: links that lead somewhere, blocks that the tests run or say why not. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "../e2e/saev.js";
import { blocksOf, commandsOf, isProgram } from "./blocks.js";
import { pages } from "./pages.js";

/** As GitHub and VitePress make them. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[`*]/g, "")
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(/\s+/g, "-");

const textOf = (page: string): string => readFileSync(path.join(root, page), "utf8");
const prose = (text: string): string =>
  text.replaceAll(/^```[\s\S]*?^```$/gm, "").replaceAll(/`[^`\n]*`/g, "");
const headingsOf = (text: string): Set<string> =>
  new Set(
    [...text.replaceAll(/^```[\s\S]*?^```$/gm, "").matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
      anchorOf(heading!),
    ),
  );

describe.each(pages)("%s", (page) => {
  const text = textOf(page);

  test("its links lead to files, pages and headings that are there", () => {
    const broken = [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link]) => {
      if (/^(https?|mailto):/.test(link!)) return [];
      const [file, anchor] = link!.split("#") as [string, string?];
      const target = file === "" ? page : path.join(path.dirname(page), file);
      // Written by `npm run docs`.
      if (target.startsWith("docs/reference/")) return [];
      if (!existsSync(path.join(root, target))) return [link];
      return anchor === undefined || headingsOf(textOf(target)).has(anchor) ? [] : [link];
    });
    expect(broken).toEqual([]);
  });

  test("its blocks say what they are, and those that are not run say why", () => {
    for (const block of blocksOf(text)) {
      const where = `${page}:${block.line}`;
      expect(block.language, `${where}: a block needs a language, \`text\` where it is none`).not.toBe("");
      if (!isProgram(block)) expect(block.text, where).not.toMatch(/^\$ |^(saev|npm|npx|node) /m);
      if (block.language === "console") expect(commandsOf(block).trim(), where).not.toBe("");
      if (block.notRun !== undefined) expect(isProgram(block), where).toBe(true);
    }
  });
});

test("few blocks are not run", () => {
  const skipped = pages.flatMap((page) =>
    blocksOf(textOf(page)).filter(({ notRun }) => notRun !== undefined),
  );
  expect(skipped.length).toBeLessThanOrEqual(12);
});

test("all pages of docs/ are looked at, and are in the site's sidebar", () => {
  const there = readdirSync(path.join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md") && !name.startsWith("reference"))
    .map((name) => path.join("docs", name));
  expect(pages).toEqual(expect.arrayContaining(there));
  const config = textOf("docs/.vitepress/config.ts");
  for (const name of there.filter((each) => each !== "docs/index.md"))
    expect(config).toContain(`"/${name.slice("docs/".length, -".md".length)}"`);
});
