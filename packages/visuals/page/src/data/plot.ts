/** Observable Plot is most of the page's code: it comes when the first plot is to be drawn. */
export type PlotLibrary = typeof import("./plot-library.js");

export const loadPlot = (): Promise<PlotLibrary> => import("./plot-library.js");
