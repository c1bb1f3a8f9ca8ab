import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { decodeImage, type Transform } from "@saev/core";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { OpenView } from "./explorer/views/open-view.js";
import { galleryPicture } from "./gallery/write-gallery.js";
import { type MadeVisuals, makeVisuals } from "./make-visuals.js";
import { smallRun } from "./testing/small-run.js";
import { legacyTransform, viewOf } from "./view.js";

/** Squashes pictures and cuts an eighth off each side, as no family does by itself. */
const recorded: Transform = {
  ...{ mode: "squash", resizeHeight: 64, resizeWidth: 64, height: 48, width: 48, filter: "bilinear" },
  ...{ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
};

let folder = "";
let made: MadeVisuals;
let files: string[];

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "saev-cut-"));
  const cfg = await smallRun(folder);
  const pictures = path.join(folder, "pictures");
  files = readdirSync(pictures, { recursive: true })
    .map((name) => path.join(pictures, String(name)))
    .filter((name) => name.endsWith(".png"))
    .sort();
  // Each pixel's colour says where it is.
  const [width, height] = [160, 90];
  const data = Buffer.alloc(width * height * 3);
  for (let i = 0; i < width * height; i++)
    data.set([1.5 * (i % width), 2.7 * Math.floor(i / width), 90], 3 * i);
  for (const file of files)
    await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(file);
  const text = {
    ...{ format: 1, resize_mode: "squash", resize: [64, 64], crop: [48, 48], interpolation: "bilinear" },
    ...{ mean: recorded.mean, std: recorded.std },
  };
  writeFileSync(path.join(folder, "shards/preprocessing.json"), JSON.stringify(text));
  made = await makeVisuals(cfg);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Mean difference of two pictures, in levels. */
async function difference(
  picture: string | Uint8Array,
  transform: Transform,
  image: number,
): Promise<number> {
  const view = await viewOf(await decodeImage(files[image]!), transform);
  const { data, info } = await sharp(picture).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const same = await sharp(view.data, { raw: { width: view.width, height: view.height, channels: 3 } })
    .resize(width, height)
    .raw()
    .toBuffer();
  return data.reduce((sum, v, i) => sum + Math.abs(v - same[i]!), 0) / data.length;
}

it("saev visuals draws what the recorded model saw", async () => {
  const images = readdirSync(path.join(made.root, "gallery/images")).map((name) => Number.parseInt(name, 10));
  expect(images.length).toBeGreaterThan(0);
  for (const image of images.slice(0, 2)) {
    const picture = galleryPicture(made.root, image);
    expect(await difference(picture, recorded, image)).toBeLessThan(2); // JPEG
    expect(await difference(picture, legacyTransform, image)).toBeGreaterThan(4);
  }
  expect(made.notes.join()).not.toContain("prepared");
});

it("saev explore shows what the recorded model saw", async () => {
  const view = await OpenView.open(made.root, "v0", "a run");
  try {
    const { pictures } = view;
    if (typeof pictures === "string") throw new Error(pictures);
    for (const size of [96, 448] as const) {
      const picture = await pictures.get(3, size);
      expect(await difference(picture, recorded, 3)).toBeLessThan(2); // WebP
      expect(await difference(picture, legacyTransform, 3)).toBeGreaterThan(4);
    }
    expect(view.remarks.join()).not.toContain("prepared");
  } finally {
    view.dispose();
  }
});

it("says so where neither the recording nor the model tells how", async () => {
  const cfg = await smallRun(mkdtempSync(path.join(folder, "python-")));
  const { notes, root } = await makeVisuals(cfg);
  expect(notes).toContainEqual(
    expect.stringMatching(/does not say how its pictures were prepared, and its model \(made-up\) is not/),
  );
  expect(JSON.parse(readFileSync(path.join(root, "visuals.json"), "utf8")).notes).toEqual(notes);
});
