import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { EvaluationReport, ReportedFidelity, ReportedProbes, ReportedSae } from "@saev/config";
import { escapeHtml } from "../gallery/escape.js";
import { dictionaryTexts, figureTexts, percent, shown } from "./format.js";

/** Classes listed of each SAE's probes, best first; evaluation.json has all. */
const listed = 100;

/** Beside `src` and `dist`, as deep below both. */
const style = () => readFileSync(new URL("../../assets/evaluation/style.css", import.meta.url), "utf8");

/**
 * A report as one page that opens from disk: tables and drawings, no script, nothing loaded from anywhere, light or dark as
 * the reader's system is.
 */
export function reportHtml(report: EvaluationReport): string {
  const css = style();
  const hash = createHash("sha256").update(css).digest("base64");
  const several = report.saes.length > 1;
  const title = several
    ? `Evaluation of ${report.saes.length} SAEs`
    : `Evaluation of ${report.saes[0]?.ckpt ?? "none"}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<style>${css}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${several ? overview(report.saes) : ""}
${report.saes.map((sae, i) => saeSection(sae, i, several)).join("\n")}
</main>
</body>
</html>
`;
}

const cell = (text: string) => `<td>${escapeHtml(text)}</td>`;
const number = (text: string) => `<td class="number">${escapeHtml(text)}</td>`;

function tableHtml(caption: string, head: readonly string[], rows: readonly string[]): string {
  const heads = head.map((text) => `<th scope="col">${escapeHtml(text)}</th>`).join("");
  // What scrolls must be reachable by keyboard.
  return `<div class="wide" role="region" aria-label="${escapeHtml(caption)}" tabindex="0"><table><caption>${escapeHtml(caption)}</caption><thead><tr>${heads}</tr></thead><tbody>${rows
    .map((row) => `<tr>${row}</tr>`)
    .join("")}</tbody></table></div>`;
}

function overview(saes: readonly ReportedSae[]): string {
  const rows = saes.map((sae, i) =>
    [
      `<th scope="row"><a href="#sae-${i}">${escapeHtml(sae.ckpt)}</a></th>`,
      number(String(sae.layer)),
      number(shown(sae.d_sae)),
      ...["l0", "mse", "explained_variance", "cosine", "n_dead", "n_dense"].map((name) =>
        number(shown(sae.figures[name])),
      ),
      number(shown(sae.fidelity?.reconstruction.cosine)),
      number(shown(sae.fidelity?.recovered)),
      number(shown(sae.image_probes?.mean_average_precision)),
    ].join(""),
  );
  const head = [
    "SAE",
    "Layer",
    "Latents",
    "L0",
    "MSE",
    "Explained variance",
    "Cosine",
    "Dead",
    "Dense",
    "Output cosine",
    "Recovered",
    "Probes (AP)",
  ];
  return tableHtml("All SAEs", head, rows);
}

function saeSection(sae: ReportedSae, i: number, several: boolean): string {
  const level = several ? 2 : 1;
  const h = (text: string) => `<h${level + 1}>${text}</h${level + 1}>`;
  const parts = [
    several ? `<h2 id="sae-${i}">${escapeHtml(sae.ckpt)}</h2>` : "",
    `<p>${escapeHtml(`${shown(sae.d_sae)} latents (${sae.activation}) of activations of width ${shown(sae.d_vit)}; layer ${sae.layer}, tokens: ${sae.patches}, ${shown(sae.figures.n_rows)} activations of ${sae.shard_root}.`)}</p>`,
    notesHtml(sae.notes),
    h("Sparsity and reconstruction"),
    meanings("Figures", figureTexts, sae.figures),
    h("Frequencies"),
    frequencyDrawing(sae),
    sae.prefixes.length > 0 ? h("First latents alone") + prefixTable(sae) : "",
    sae.dictionary ? h("Dictionary") + meanings("Directions", dictionaryTexts, sae.dictionary) : "",
    sae.fidelity ? h("Fidelity") + fidelityTable(sae.fidelity) : "",
    sae.image_probes ? h("Labels of images") + probeTable(sae.image_probes, "images") : "",
    sae.patch_probes ? h("Labels of patches") + probeTable(sae.patch_probes, "patches") : "",
  ];
  return `<section>${parts.filter((part) => part !== "").join("\n")}</section>`;
}

const notesHtml = (notes: readonly string[]): string =>
  notes.length === 0
    ? ""
    : `<ul class="notes">${notes.map((note) => `<li>${escapeHtml(note)}</li>`).join("")}</ul>`;

function meanings(
  caption: string,
  texts: readonly (readonly [string, string, string])[],
  values: Readonly<Record<string, number | null>>,
): string {
  const rows = texts.map(
    ([name, label, meaning]) => `<th scope="row">${label}</th>${number(shown(values[name]))}${cell(meaning)}`,
  );
  return tableHtml(caption, ["Figure", "Value", "Meaning"], rows);
}

function prefixTable({ prefixes }: ReportedSae): string {
  const rows = prefixes.map(
    (p) =>
      `<th scope="row">${shown(p.length)}</th>${number(shown(p.mse))}${number(shown(p.explained_variance))}`,
  );
  return tableHtml("Reconstructions from the first latents", ["Latents", "MSE", "Explained variance"], rows);
}

function fidelityTable(f: ReportedFidelity): string {
  const variants = [
    ["Reconstruction", f.reconstruction],
    ["Mean activation", f.mean],
    ["Zero", f.zero],
  ] as const;
  const zeroShot = f.reconstruction.same_class !== null;
  const rows = variants.map(
    ([name, r]) =>
      `<th scope="row">${name}</th>${number(shown(r.cosine))}${zeroShot ? number(percent(r.same_class)) : ""}`,
  );
  const caption = `The model's output when the ${f.tokens === "cls" ? "CLS token" : "patches"} of layer ${f.layer} are replaced, on ${shown(f.images)} images`;
  const head = [
    "Replaced by",
    "Cosine of the final embedding",
    ...(zeroShot ? ["Same zero-shot class"] : []),
  ];
  return `${tableHtml(caption, head, rows)}<p>${escapeHtml(`Recovered: ${shown(f.recovered)} (1: the output stays as it is, 0: no better than the mean activation).`)}</p>`;
}

function probeTable(p: ReportedProbes, units: string): string {
  const best = [...p.classes].sort(
    (a, b) => (b.best_by_ap?.average_precision ?? 0) - (a.best_by_ap?.average_precision ?? 0),
  );
  const rows = best.slice(0, listed).map((c) => {
    const ap = c.best_by_ap;
    const f1 = c.best_by_f1;
    return [
      `<th scope="row">${escapeHtml(c.class)}</th>`,
      number(shown(c.n)),
      number(shown(c.base_rate)),
      number(ap ? String(ap.latent) : "–"),
      number(shown(ap?.average_precision)),
      number(f1 ? String(f1.latent) : "–"),
      number(shown(f1?.f1)),
      number(shown(f1?.precision)),
      number(shown(f1?.recall)),
    ].join("");
  });
  const sample = p.units < p.seen ? `, a sample of ${shown(p.seen)}` : "";
  const more =
    best.length > listed
      ? `; the best ${listed} of ${shown(best.length)} classes, evaluation.json has all`
      : "";
  const caption = `Best latent of each class, by ${shown(p.units)} ${units}${sample}${more}`;
  const head = [
    "Class",
    units,
    "Share",
    "Latent",
    "Average precision",
    "Latent",
    "F1",
    "Precision",
    "Recall",
  ];
  const means = `Means over classes: average precision ${shown(p.mean_average_precision)}, F1 ${shown(p.mean_f1)}; average precision of chance ${shown(p.mean_base_rate)}.`;
  return `<p>${escapeHtml(means)}</p>${tableHtml(caption, head, rows)}`;
}

/** Latents by log10 of their frequency. Colours are the page's, so that it is right in light and dark. */
function frequencyDrawing({ frequencies: { lo, hi, counts }, figures }: ReportedSae): string {
  const [width, height, left, bottom] = [640, 180, 48, 34];
  const most = Math.max(1, ...counts);
  const step = (width - left - 8) / Math.max(1, counts.length);
  const y = (n: number) => (height - bottom - 12) * (n / most);
  const bars = counts
    .map((n, i) => {
      const h = y(n);
      return `<rect class="bar" x="${(left + i * step + 1).toFixed(1)}" y="${(height - bottom - h).toFixed(1)}" width="${(step - 2).toFixed(1)}" height="${h.toFixed(1)}"/>`;
    })
    .join("");
  const ticks = Array.from({ length: hi - lo + 1 }, (_, i) => lo + i)
    .map((t) => {
      const x = left + ((t - lo) / (hi - lo)) * (width - left - 8);
      return `<text x="${x.toFixed(1)}" y="${height - bottom + 15}" text-anchor="middle">${t}</text>`;
    })
    .join("");
  const alive = counts.reduce((a, b) => a + b, 0);
  const label = `Histogram of log10 of the frequency of ${shown(alive)} latents that fired; ${shown(figures.n_dead)} never did`;
  return `<figure><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}"><line class="axis" x1="${left}" x2="${width - 8}" y1="${height - bottom}" y2="${height - bottom}"/>${bars}${ticks}<text x="${left - 6}" y="${height - bottom}" text-anchor="end">0</text><text x="${left - 6}" y="16" text-anchor="end">${shown(most)}</text><text x="${width / 2}" y="${height - 2}" text-anchor="middle">log10 frequency</text></svg><figcaption>${label}.</figcaption></figure>`;
}
