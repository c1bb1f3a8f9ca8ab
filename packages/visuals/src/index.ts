export {
  type GalleryCaption,
  type GalleryContent,
  type GalleryImage,
  type GalleryLatent,
  type LatentState,
  latentState,
} from "./gallery/data.js";
export { writeGallery, writeGalleryPicture } from "./gallery/write-gallery.js";
export { alphaComposite, heatMap, type OverlayOptions, overlay, type Pixels } from "./overlay.js";
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
