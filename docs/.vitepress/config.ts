// The documentation's site: `npm run docs`. It loads nothing from anywhere: no CDN, no web fonts, its own search.
import { readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitepress";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, "../..");
const pages = (folder: string) =>
  readdirSync(path.join(here, "..", folder))
    .filter((name) => name.endsWith(".md") && name !== "index.md")
    .map((name) => path.basename(name, ".md"));
const page = (text: string, link: string) => ({ text, link });

const learn = [
  page("Quick start", "/quick-start"),
  page("Your images and CLIP", "/tutorials/your-images"),
  page("A sweep, and how to choose", "/tutorials/a-sweep"),
  page("Reading latents and steering", "/tutorials/reading-latents"),
];
const howTo = [
  page("Images of every kind", "/datasets"),
  page("Models", "/models"),
  page("Kinds of SAE", "/sae-kinds"),
  page("Training, going on", "/training"),
  page("Measuring SAEs", "/evaluate"),
  page("The explorer", "/explorer"),
  page("Names from CLIP", "/names"),
  page("Latents as data", "/latents"),
  page("Checkpoints of other tools", "/checkpoints"),
  page("On a cluster", "/how-to/cluster"),
  page("Plots and figures", "/how-to/figures"),
  page("From the Python package", "/how-to/from-python"),
  page("In a program", "/how-to/library"),
];
const reference = [
  {
    text: "Commands and flags",
    collapsed: true,
    items: pages("reference/commands").map((name) => page(`saev ${name}`, `/reference/commands/${name}`)),
  },
  {
    text: "API",
    collapsed: true,
    items: ["config", "core", "visuals"].map((name) => page(`@saev/${name}`, `/reference/api/${name}/`)),
  },
  page("Files: shards", "/shards"),
  page("Files: checkpoints", "/checkpoints"),
  page("Pictures", "/images"),
  page("Deviations", "/deviations"),
  page("Performance", "/performance"),
  page("Security", "/security"),
];

/**
 * Pages are plain Markdown of the repository, so that some links lead out of docs/: READMEs of the packages have copies in the
 * site, for other files the text stands alone.
 */
function inSite(href: string, relativePath: string): string | undefined {
  if (/^([a-z]+:|#|\/)/.test(href)) return href;
  const target = path.join("docs", path.dirname(relativePath), href);
  const [, readme] = /^(packages\/[\w-]+)\/README\.md$/.exec(target) ?? [];
  if (readme !== undefined) return `/reference/${readme}/README.md`;
  return target.startsWith("docs/") ? href : undefined;
}

export default defineConfig({
  title: "saev",
  description: "Sparse autoencoders for vision transformers",
  outDir: path.join(root, "build/docs"),
  cacheDir: path.join(root, ".cache/vitepress"),
  head: [["link", { rel: "icon", href: "data:," }]],
  cleanUrls: false,
  markdown: {
    config(md) {
      // Signs such as <hash> are text here, not tags.
      md.set({ html: false });
      md.core.ruler.push("links-in-site", ({ tokens, env }) => {
        for (const { children } of tokens)
          for (const [i, token] of (children ?? []).entries()) {
            if (token.type !== "link_open") continue;
            const href = inSite(token.attrGet("href") ?? "", env.relativePath);
            if (href !== undefined) token.attrSet("href", href);
            else {
              token.tag = "span";
              token.attrs = null;
              const close = children!.slice(i).find((other) => other.type === "link_close")!;
              close.tag = "span";
            }
          }
      });
    },
  },
  base: process.env.SAEV_DOCS_BASE ?? "/",
  themeConfig: {
    search: { provider: "local" },
    nav: [
      page("Quick start", "/quick-start"),
      page("Commands", "/reference/"),
      page("API", "/reference/api/"),
    ],
    sidebar: [
      { text: "Learn", items: learn },
      { text: "How to", items: howTo },
      { text: "Reference", items: reference },
    ],
    outline: [2, 3],
  },
});
