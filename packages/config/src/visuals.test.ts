import { expect, test } from "vitest";
import {
  distributionsFpath,
  meanValuesFpath,
  parseVisuals,
  percentilesFpath,
  sparsityFpath,
  topImgIFpath,
  topPatchIFpath,
  topValuesFpath,
  visualsRoot,
} from "./index.js";

test("paths are joined as os.path.join does", () => {
  const cfg = parseVisuals({ percentile: 95, sort_by: "img" });
  expect(visualsRoot(cfg)).toBe("./data/sort_by_img");
  expect(topValuesFpath(cfg)).toBe("./data/sort_by_img/top_values.pt");
  expect(topImgIFpath(cfg)).toBe("./data/sort_by_img/top_img_i.pt");
  expect(topPatchIFpath(cfg)).toBe("./data/sort_by_img/top_patch_i.pt");
  expect(meanValuesFpath(cfg)).toBe("./data/sort_by_img/mean_values.pt");
  expect(sparsityFpath(cfg)).toBe("./data/sort_by_img/sparsity.pt");
  expect(distributionsFpath(cfg)).toBe("./data/sort_by_img/distributions.pt");
  expect(percentilesFpath(cfg)).toBe("./data/sort_by_img/percentiles_p95.pt");
  expect(visualsRoot({ dump_to: "/out/", sort_by: "patch" })).toBe("/out/sort_by_patch");
  expect(visualsRoot({ dump_to: "", sort_by: "cls" })).toBe("sort_by_cls");
});
