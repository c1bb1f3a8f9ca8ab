/** What the page uses of Observable Plot, by name: the rest of it is not in the page. */
export { binX, dot, line, plot, pointer, pointerX, rect, rectY, tip } from "@observablehq/plot";
