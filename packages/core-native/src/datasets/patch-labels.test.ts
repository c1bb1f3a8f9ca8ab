import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import type { Transform } from "../images/transform.js";
import { python, runPython } from "../io/python.test-util.js";
import { randomNumbers } from "../vit/testing/tiny-clip.js";
import { patchGrid, patchLabels } from "./patch-labels.js";

const transform = (over: Partial<Transform>): Transform => ({
  mode: "shortest",
  resizeHeight: 32,
  resizeWidth: 32,
  height: 32,
  width: 32,
  filter: "bicubic",
  mean: [0, 0, 0],
  std: [1, 1, 1],
  ...over,
});

/** A segmentation of random classes below `classes`. */
function segmentation(width: number, height: number, classes: number, seed: number) {
  const random = randomNumbers(seed);
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) data.fill(Math.abs(random()) * classes, 3 * i, 3 * i + 3);
  return { data, width, height };
}

it("takes the class of most pixels, of equals the smallest", () => {
  const data = Uint8Array.from(
    [7, 7, 9, 9, 7, 5, 9, 5, 200, 3, 0, 0, 3, 200, 4, 4].flatMap((c) => [c, c, c]),
  );
  const t = transform({ resizeHeight: 4, resizeWidth: 4, height: 4, width: 4 });
  expect([...patchLabels({ data, width: 4, height: 4 }, t, patchGrid(t, 4))]).toEqual([7, 9, 3, 0]);
});

it("has grids of squares only", () => {
  expect(patchGrid(transform({ height: 224, width: 224 }), 49)).toEqual({ rows: 7, columns: 7, side: 32 });
  expect(patchGrid(transform({ height: 30, width: 46 }), 6)).toEqual({ rows: 2, columns: 3, side: 15 });
  expect(() => patchGrid(transform({}), 7)).toThrow("7 patches of 32 × 32 pixels are no grid");
});

// Pillow and numpy, written as in the Python package: resize by nearest neighbour, cut from the centre, count.
const reference = `
import json, sys
import numpy as np
from PIL import Image
out = []
for case in json.load(open(sys.argv[1])):
    w, h, t, side = case["width"], case["height"], case["transform"], case["side"]
    im = Image.fromarray(np.array(case["classes"], dtype=np.uint8).reshape(h, w))
    if t["mode"] == "squash":
        size = (t["resizeWidth"], t["resizeHeight"])
    elif t["mode"] == "shortest":
        s = t["resizeWidth"]
        size = (int(s * w / h), s) if w >= h else (s, int(s * h / w))
    else:
        r = max(h / t["resizeHeight"], w / t["resizeWidth"])
        size = (max(1, round(w / r)), max(1, round(h / r)))
    im = im.resize(size, Image.Resampling.NEAREST)
    if t["mode"] == "longest":
        full = Image.new("L", (t["width"], t["height"]), 0)
        full.paste(im, ((t["width"] - size[0]) // 2, (t["height"] - size[1]) // 2))
        im = full
    else:
        left, top = int(round((size[0] - t["width"]) / 2.0)), int(round((size[1] - t["height"]) / 2.0))
        im = im.crop((left, top, left + t["width"], top + t["height"]))
    a = np.asarray(im)
    rows, columns = t["height"] // side, t["width"] // side
    out.append([int(np.bincount(a[r*side:(r+1)*side, c*side:(c+1)*side].ravel(), minlength=256).argmax()) for r in range(rows) for c in range(columns)])
print(json.dumps(out))
`;

it.skipIf(python === undefined)("agrees with Pillow and numpy for every size and mode", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "saev-patch-labels-"));
  try {
    const cases = [];
    const ours = [];
    const sizes = [
      [32, 32],
      [683, 512],
      [512, 683],
      [37, 91],
      [300, 41],
      [11, 13],
      [640, 427],
      [255, 257],
    ] as const;
    for (const mode of ["shortest", "squash", "longest"] as const) {
      for (const [n, [width, height]] of sizes.entries()) {
        const t = transform({
          mode,
          ...(n % 2 ? { resizeHeight: 48, resizeWidth: 48, height: 48, width: 48 } : {}),
        });
        const image = segmentation(width, height, n < 4 ? 3 : 150, n + 1);
        const grid = patchGrid(t, (t.width / 8) ** 2);
        ours.push([...patchLabels(image, t, grid)]);
        const classes = Array.from({ length: width * height }, (_, i) => image.data[3 * i]);
        cases.push({ width, height, transform: t, side: grid.side, classes });
      }
    }
    const file = path.join(folder, "cases.json");
    writeFileSync(file, JSON.stringify(cases));
    expect(ours).toEqual(JSON.parse(runPython(reference, file)));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
