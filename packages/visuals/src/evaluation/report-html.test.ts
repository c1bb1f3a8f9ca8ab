import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { EvaluationReport, type ReportedSae } from "@saev/config";
import { parseHTML } from "linkedom";
import { afterAll, describe, expect, test } from "vitest";
import { seriousFaults } from "../testing/axe.js";
import { chromiumPath, launchChromium } from "../testing/chromium.js";
import { shown } from "./format.js";
import { reportHtml } from "./report-html.js";

const sae = (ckpt: string): ReportedSae => ({
  ckpt,
  shard_root: "shards/<b>",
  layer: -2,
  patches: "patches",
  d_vit: 768,
  d_sae: 6144,
  activation: "relu",
  figures: {
    n_rows: 19_208,
    l0: 45.2,
    l1: 12.34567,
    mse: 0.1234567,
    explained_variance: 0.87,
    normalized_mse: 0.11,
    cosine: null,
    l2_ratio: 0.93,
    relative_bias: 0.96,
    n_dead: 12,
    n_almost_dead: 20,
    n_dense: 7,
    n_over_1_percent: 300,
    n_over_10_percent: 7,
    almost_dead_threshold: 1e-7,
    dense_threshold: 1e-2,
  },
  prefixes: [
    { length: 96, mse: 0.5, explained_variance: 0.4 },
    { length: 6144, mse: 0.1234567, explained_variance: 0.87 },
  ],
  frequencies: { lo: -5, hi: 0, counts: [3, 5, 80, 600, 1000, 2000, 1500, 900, 40, 4] },
  dictionary: {
    mean_max_encoder_cosine: 0.41,
    max_encoder_cosine: 0.99,
    mean_max_decoder_cosine: 0.38,
    max_decoder_cosine: 0.97,
    coherence: 0.97,
  },
  image_probes: {
    units: 100,
    seen: 200,
    mean_average_precision: 0.6,
    mean_f1: 0.5,
    mean_base_rate: 0.1,
    classes: Array.from({ length: 120 }, (_, i) => ({
      class: i === 3 ? 'birds & "bees" <script>' : `class ${i}`,
      n: i + 1,
      base_rate: 0.01,
      best_by_ap: i === 5 ? null : { latent: i, average_precision: i === 3 ? 1 : i / 200 },
      best_by_f1: i === 5 ? null : { latent: i, f1: 0.5, precision: 0.6, recall: 0.4, threshold: 1.5 },
    })),
  },
  patch_probes: null,
  fidelity: {
    layer: -2,
    tokens: "patches",
    images: 256,
    reconstruction: { cosine: 0.97, same_class: 0.9 },
    mean: { cosine: 0.3, same_class: 0.1 },
    zero: { cosine: 0.2, same_class: 0.05 },
    recovered: 0.957,
  },
  notes: ["no probes of patch labels: <none>"],
});
const report: EvaluationReport = { format: 1, saes: [sae("runs/a & b/sae.pt"), sae("runs/c/sae.pt")] };

test("the example is a report", () => {
  expect(EvaluationReport.parse(report)).toEqual(report);
});

test("a report is one page without script, in which every text is escaped and every table is told", () => {
  const html = reportHtml(report);
  const { document } = parseHTML(html);
  expect(document.querySelectorAll("script")).toHaveLength(0);
  expect(html).not.toContain("<script");
  expect(html).not.toMatch(/(?:src|href)="(?!#|data:,)/);
  expect(document.querySelectorAll("h1")).toHaveLength(1);
  for (const table of document.querySelectorAll("table")) {
    expect(table.querySelector("caption")!.textContent).not.toBe("");
    const columns = table.querySelectorAll("thead th").length;
    for (const row of table.querySelectorAll("tbody tr")) expect(row.children).toHaveLength(columns);
  }
  expect(document.querySelector("svg")!.getAttribute("aria-label")).toContain(
    "6,132 latents that fired; 12 never did",
  );
  const text = document.body.textContent!;
  for (const part of [
    "runs/a & b/sae.pt",
    'birds & "bees" <script>',
    "0.1235",
    "0.957",
    "a sample of 200",
    "90 %",
  ])
    expect(text).toContain(part);
  expect(text).toContain("the best 100 of 120 classes");
});

test("one SAE has no overview; what is missing has no heading", () => {
  const bare = {
    ...sae("sae.pt"),
    prefixes: [],
    dictionary: null,
    image_probes: null,
    fidelity: null,
    notes: [],
  };
  const { document } = parseHTML(reportHtml({ format: 1, saes: [bare] }));
  const headings = [...document.querySelectorAll("h1, h2, h3")].map((h) => h.textContent);
  expect(headings).toEqual(["Evaluation of sae.pt", "Sparsity and reconstruction", "Frequencies"]);
});

test("numbers are short", () => {
  expect([12_345, 0.123456, 1e-7, 2.5e9, null, Number.NaN, 0].map(shown)).toEqual([
    "12,345",
    "0.1235",
    "1.00e-7",
    "2,500,000,000",
    "–",
    "–",
    "0",
  ]);
});

const chromium = chromiumPath();

describe.skipIf(!chromium)("in Chromium", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "saev-report-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("axe finds nothing serious in light and dark, and nothing is loaded", async () => {
    const file = path.join(folder, "report.html");
    writeFileSync(file, reportHtml(report));
    const browser = await launchChromium(chromium!);
    try {
      for (const colorScheme of ["light", "dark"] as const) {
        const context = await browser.newContext({
          colorScheme,
          bypassCSP: true,
          viewport: { width: 390, height: 800 },
        });
        const tab = await context.newPage();
        const asked: string[] = [];
        tab.on("request", (request) => asked.push(request.url()));
        await tab.goto(pathToFileURL(file).href);
        expect(await seriousFaults(tab)).toEqual([]);
        expect(asked.filter((url) => !url.startsWith("data:"))).toEqual([pathToFileURL(file).href]);
        await context.close();
      }
    } finally {
      await browser.close();
    }
  }, 180_000);
});
