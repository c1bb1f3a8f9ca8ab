import path from "node:path";
import { svgToPng } from "./svg.js";
import { writeFileAtomic } from "./write-file.js";

/** Writes a plot as `<name>.svg` and `<name>.png`. @returns the two files. */
export async function writePlot(folder: string, name: string, svg: string): Promise<readonly string[]> {
  const [vector, raster] = ["svg", "png"].map((end) => path.join(folder, `${name}.${end}`)) as [
    string,
    string,
  ];
  await writeFileAtomic(vector, svg);
  await writeFileAtomic(raster, svgToPng(svg));
  return [vector, raster];
}
