import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { plasma } from "../plasma.js";
import { type GalleryContent, pageData } from "./data.js";
import { escapeHtml, scriptJson } from "./escape.js";

/** Parts of the page's script, in order; they share one scope. */
const parts = ["tools", "heat", "charts", "grid", "latent", "main"] as const;

/** Beside `src` and `dist`, as deep below both. */
const read = (name: string) => readFileSync(new URL(`../../assets/gallery/${name}`, import.meta.url), "utf8");

/** The 256 colours of heat maps as the overlay has them, red, green and blue a byte each, base64. */
const palette = () => Buffer.from(plasma.map((c) => Math.min(255, Math.trunc(c * 256)))).toString("base64");

const hash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/**
 * The gallery's one page, for all latents: a page read from disk may not load data from a file beside it, and moving
 * between latents in the order chosen needs all of them. A latent has an address of its own (`#/latent/12`). Its data,
 * style and script are inside, it loads nothing but the pictures beside it, and its content policy forbids everything
 * else. 400 latents with 24 images of 256 patches make 3.7 MB.
 */
export function pageHtml(content: GalleryContent): string {
  const script = `(() => {\n"use strict";\n${parts.map((part) => read(`${part}.js`)).join("\n")}\n})();`;
  const style = read("style.css");
  const policy = [
    "default-src 'none'",
    "img-src 'self' file: data:",
    `style-src ${hash(style)}`,
    `script-src ${hash(script)}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const data = { ...pageData(content), palette: palette() };
  const title = escapeHtml(content.title);
  const overview = content.overview
    ? `<details class="overview"><summary>Frequency and mean value of all latents</summary>
<img alt="Latents by firing frequency and mean value; the shown ones are dots" src="data:image/svg+xml;base64,${Buffer.from(content.overview).toString("base64")}"></details>`
    : "";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · latents</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the latents</a>
<header class="bar">
<div class="brand"><span class="dot" aria-hidden="true"></span><a href="#/" id="home">${title}</a></div>
<div class="actions">
<button type="button" id="heat-toggle" aria-pressed="true" title="Show or hide heat maps (t)">Heat map</button>
<label class="opacity"><span>Opacity</span> <input aria-label="Opacity of heat maps" type="range" id="opacity" min="10" max="100" value="100"></label>
<button type="button" id="theme" title="Switch between light and dark (d)">Dark</button>
</div>
</header>
<main id="main" tabindex="-1">
<section id="overview-page">
<h1 class="visually-hidden">Latents</h1>
<p id="summary"></p>
${overview}
<form id="tools" role="search" aria-label="Find latents">
<label>Find <input type="search" id="find" placeholder="number, label or file name" autocomplete="off" spellcheck="false"></label>
<label>Sort by <select id="sort">
<option value="order">order chosen</option>
<option value="frequency">frequency</option>
<option value="mean">mean value</option>
<option value="max">largest value</option>
<option value="id">number</option>
</select></label>
<button type="button" id="direction" aria-label="Reverse the order" title="Reverse the order">↓</button>
<fieldset id="states"><legend class="visually-hidden">State</legend></fieldset>
</form>
<p id="found" role="status" aria-live="polite"></p>
<ul id="grid" class="grid" aria-label="Latents"></ul>
</section>
<article id="latent-page" hidden></article>
<noscript><p>This page needs JavaScript to show its latents; it loads nothing from anywhere.</p></noscript>
</main>
<footer class="keys"><kbd>←</kbd> <kbd>→</kbd> move · <kbd>Enter</kbd> open · <kbd>Esc</kbd> back · <kbd>t</kbd> heat map · <kbd>/</kbd> find · <kbd>d</kbd> light or dark</footer>
<script type="application/json" id="data">${scriptJson(data)}</script>
<script>${script}</script>
</body>
</html>
`;
}
