/// <reference lib="dom" />
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Resvg, type ResvgRenderOptions, renderAsync } from "@resvg/resvg-js";
import { parseHTML } from "linkedom";
import sharp from "sharp";

/** Font of all plots. It comes with this package, so that text is drawn the same on machines without any font. */
export const fontFamily = "Roboto Flex";

let fontFile: string | undefined;

/** The font's TrueType file. */
export function fontPath(): string {
  fontFile ??= createRequire(import.meta.url).resolve(
    "@expo-google-fonts/roboto-flex/400Regular/RobotoFlex_400Regular.ttf",
  );
  return fontFile;
}

/** A document that Observable Plot can draw into, without a browser. */
export function newDocument(): Document {
  return parseHTML("<!doctype html><html><body></body></html>").document as unknown as Document;
}

/** The text of an SVG file for a figure that Plot made: one `<svg>` element, which names its namespace. */
export function svgText(figure: Element): string {
  const svg = figure.tagName.toLowerCase() === "svg" ? figure : figure.querySelector("svg");
  if (!svg) throw new Error("no svg element in the figure");
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  return svg.outerHTML;
}

const renderOptions = (fitTo: NonNullable<ResvgRenderOptions["fitTo"]>): ResvgRenderOptions => ({
  fitTo,
  background: "white",
  font: { fontFiles: [fontPath()], loadSystemFonts: false, defaultFontFamily: fontFamily },
});

/** Draws an SVG as PNG, `scale` pixels to a unit, on white unless the SVG paints its own ground. */
export function svgToPng(svg: string, scale = 2): Uint8Array {
  return new Resvg(svg, renderOptions({ mode: "zoom", value: scale })).render().asPng();
}

/** Draws an SVG as PNG of this width in pixels, on another thread. */
export async function renderPng(svg: string, width: number): Promise<Uint8Array> {
  const { pixels, width: w, height } = await renderAsync(svg, renderOptions({ mode: "width", value: width }));
  return sharp(pixels, { raw: { width: w, height, channels: 4 } })
    .removeAlpha()
    .png({ compressionLevel: 6 })
    .toBuffer();
}

/** The font as a `data:` URL, for pages that may load nothing else. */
export function fontDataUrl(): string {
  return `data:font/ttf;base64,${readFileSync(fontPath()).toString("base64")}`;
}
