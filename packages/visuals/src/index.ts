/**
 * Images with heat maps, plots, the gallery, and reports.
 *
 * @module visuals
 */

export { type ContactSheet, contactSheetSvg, type SheetImage, sheetImages } from "./contact-sheet.js";
export { dictionaryTexts, figureTexts } from "./evaluation/format.js";
export { reportHtml } from "./evaluation/report-html.js";
export {
  type GalleryCaption,
  type GalleryContent,
  type GalleryImage,
  type GalleryLatent,
  type LatentState,
  latentState,
} from "./gallery/data.js";
export { writeGallery, writeGalleryPicture } from "./gallery/write-gallery.js";
export {
  type CropBox,
  contour,
  cropBox,
  groundOf,
  type HighlightGround,
  type HighlightStyle,
  highlight,
  mask,
} from "./highlight.js";
export {
  type MadeVisuals,
  type MakeVisualsOptions,
  makeVisuals,
  type VisualsProgress,
} from "./make-visuals.js";
export { alphaComposite, heatMap, type OverlayOptions, opaque, overlay, type RgbaPixels } from "./overlay.js";
export { plasma, plasmaIndex } from "./plasma.js";
export {
  type DistributionPanel,
  distributionPlot,
  type FrequencyPlotOptions,
  type FrequencyPoint,
  frequencyPlot,
  histogramSvg,
} from "./plots.js";
export { PythonRandom } from "./python-random.js";
export { type LatentLogs, latentLogs, type SelectionOptions, selectLatents } from "./select-latents.js";
export { svgToPng } from "./svg.js";
export { legacyTransform, scaledTransform, viewOf, viewSize } from "./view.js";
export { writeFileAtomic } from "./write-file.js";
