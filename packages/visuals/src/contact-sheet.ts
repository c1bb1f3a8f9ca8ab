import { escapeHtml } from "./gallery/escape.js";
import { dimmed, type HighlightStyle } from "./highlight.js";
import { usualOpacity } from "./overlay.js";
import { plasmaBytes } from "./plasma.js";
import { short } from "./plots.js";
import { fontFamily } from "./svg.js";

/** One picture of a sheet. */
export interface SheetImage {
  /** A `data:` URL of the picture, square. */
  readonly picture: string;
  /** Name of its class; empty when there is none. */
  readonly label: string;
  /** What ranks it. */
  readonly score: number;
}

/** What a contact sheet says of a latent. */
export interface ContactSheet {
  readonly latent: number;
  /** A person's name for it, or one that `saev names` found; undefined where there is none. */
  readonly name?: string | undefined;
  /** Fraction of rows in which it fires. */
  readonly frequency: number;
  /** Mean of its firing values; NaN when it never fires. */
  readonly meanValue: number;
  readonly maxValue: number;
  /** Rows are patches, or images where CLS tokens rank them. */
  readonly rows: "patches" | "images";
  /** Value at which the colours end; undefined where pictures show no values. */
  readonly scale?: { readonly upper: number; readonly style: HighlightStyle } | undefined;
  /** Best first. */
  readonly images: readonly SheetImage[];
}

/** Pictures of a sheet at most, and side by side. */
export const sheetImages = 16;
const columns = 4;

// Units: 720 across, which a viewer prints 180 mm wide, the text of an A4 page.
const width = 720;
const widthMm = 180;
const margin = 14;
const gap = 10;
const caption = 20;
const top = 74;
const cell = (width - 2 * margin - (columns - 1) * gap) / columns;

const ink = "#222";
const soft = "#666";

/** Most letters of a text of this size that fit; the font's letters are a little over half as wide as high. */
const fit = (text: string, room: number, size: number) => {
  const most = Math.floor(room / (0.54 * size));
  const letters = [...text];
  return letters.length <= most ? text : `${letters.slice(0, most - 1).join("")}…`;
};

const text = (x: number, y: number, size: number, content: string, attributes = `fill="${ink}"`) =>
  `<text x="${x}" y="${y}" font-size="${size}" ${attributes}>${escapeHtml(content)}</text>`;

/**
 * A page for print: number, name and figures of a latent above a grid of its top images, as SVG whose text is text and
 * whose pictures are inside.
 */
export function contactSheetSvg(sheet: ContactSheet): string {
  const down = Math.max(1, Math.ceil(sheet.images.length / columns));
  const height = top + (sheet.images.length > 0 ? down * (cell + caption) + (down - 1) * 4 : 24) + margin;
  const title = `Latent ${sheet.latent}${sheet.name === undefined ? "" : `: ${sheet.name}`}`;
  const scale = sheet.scale && sheet.images.length > 0 ? colourBar(sheet.scale) : "";
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${widthMm}mm" height="${+((height * widthMm) / width).toFixed(3)}mm" ` +
    `viewBox="0 0 ${width} ${height}" font-family="${fontFamily}, sans-serif">` +
    `<title>${escapeHtml(title)}</title><rect width="${width}" height="${height}" fill="white"/>` +
    text(margin, 34, 22, fit(title, width - 2 * margin - (scale === "" ? 0 : barWidth + gap), 22)) +
    text(margin, 57, 13, figures(sheet), `fill="${soft}"`) +
    scale +
    (sheet.images.length > 0
      ? sheet.images.map(cellSvg).join("")
      : text(margin, top + 20, 13, "No image moves this latent.")) +
    "</svg>\n"
  );
}

function figures(sheet: ContactSheet): string {
  if (!(sheet.frequency > 0)) return `never fires in any of the ${sheet.rows}`;
  return [
    `fires in ${short(100 * sheet.frequency)} % of ${sheet.rows}`,
    `mean value ${short(sheet.meanValue)}`,
    `largest ${short(sheet.maxValue)}`,
  ].join("  ·  ");
}

function cellSvg({ picture, label, score }: SheetImage, i: number): string {
  const x = +(margin + (i % columns) * (cell + gap)).toFixed(2);
  const y = +(top + Math.floor(i / columns) * (cell + caption + 4)).toFixed(2);
  const value = short(score);
  const room = cell - 6.2 * value.length - 8;
  return (
    `<image x="${x}" y="${y}" width="${cell}" height="${cell}" href="${picture}"/>` +
    text(x, y + cell + 13, 11, fit(label, room, 11)) +
    text(x + cell, y + cell + 13, 11, value, `fill="${soft}" text-anchor="end"`)
  );
}

const barWidth = 150;

/** What colours or brightness mean. A crop shows no values. */
function colourBar({ upper, style }: { readonly upper: number; readonly style: HighlightStyle }): string {
  if (style === "crop") return "";
  const x = width - margin - barWidth;
  const stop = (at: number, [r, g, b]: readonly number[], opacity = 1) =>
    `<stop offset="${at}" stop-color="rgb(${r},${g},${b})" stop-opacity="${opacity}"/>`;
  const stops = Array.from({ length: 17 }, (_, i) => {
    const at = i / 16;
    if (style === "mask") {
      const grey = Math.round(255 * (dimmed + (1 - dimmed) * Math.sqrt(at)));
      return stop(at, [grey, grey, grey]);
    }
    const colour = plasmaBytes(Math.min(255, i * 16));
    return stop(at, colour, style === "overlay" ? +(usualOpacity * at).toFixed(3) : 1);
  });
  return (
    `<defs><linearGradient id="scale">${stops.join("")}</linearGradient></defs>` +
    `<rect x="${x}" y="24" width="${barWidth}" height="10" fill="url(#scale)" stroke="${soft}" stroke-width="0.5"/>` +
    text(x, 50, 11, "0", `fill="${soft}"`) +
    text(x + barWidth, 50, 11, short(upper), `fill="${soft}" text-anchor="end"`)
  );
}
