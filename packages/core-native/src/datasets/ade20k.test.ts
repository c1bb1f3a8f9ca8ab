import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Dataset } from "@saev/config";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openDataset, statedImages } from "../images/image-dataset.js";
import { Ade20k } from "./ade20k.js";
import { writeAde20k } from "./testing/ade20k.js";

let root: string;
let full: string;
beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), "saev-ade20k-"));
  full = path.join(root, "full");
  await writeAde20k(full, 5);
});
afterAll(() => rmSync(root, { recursive: true }));

it("lists the pictures that are there, with scenes and segmentations", async () => {
  const config = Dataset.parse({ kind: "ade20k-dataset", root: full });
  const dataset = await openDataset(config);
  expect(dataset.length).toBe(5);
  expect(await statedImages(config, dataset)).toBe(5);
  expect(dataset.classes).toEqual(["airport_terminal", "beach"]);
  expect(path.relative(full, dataset.where(4))).toBe("images/training/ADE_train_00000005.jpg");
  expect(await dataset.image(4)).toBe(dataset.where(4));
  expect([await dataset.label(0), await dataset.label(3)]).toEqual(["beach", "airport_terminal"]);
  expect(path.relative(full, dataset.segmentation!(2))).toBe("annotations/training/ADE_train_00000003.png");
  await expect(dataset.image(5)).rejects.toThrow("there is no image 5");
});

it("says what is missing", async () => {
  await expect(Ade20k.open(full, "validation")).rejects.toThrow("expected ADE20K's images/validation");
  await expect(Ade20k.open(path.join(full, "images"), "training")).rejects.toThrow(
    `give its parent, ${full}`,
  );
  const part = path.join(root, "part");
  await writeAde20k(part, 3, "validation");
  const annotations = path.join(part, "annotations/validation");
  rmSync(path.join(annotations, "ADE_val_00000002.png"));
  await expect(Ade20k.open(part, "validation")).rejects.toThrow(/00000002.png: expected the segmentation/);
  rmSync(annotations, { recursive: true });
  const without = await Ade20k.open(part, "validation");
  expect([without.length, without.segmentation]).toEqual([3, undefined]);
  rmSync(path.join(part, "sceneCategories.txt"));
  await expect(Ade20k.open(part, "validation")).rejects.toThrow("sceneCategories.txt: expected a line");
  const empty = path.join(root, "empty");
  mkdirSync(path.join(empty, "images/training"), { recursive: true });
  writeFileSync(path.join(empty, "images/training/readme.txt"), "");
  await expect(Ade20k.open(empty, "training")).rejects.toThrow("expected pictures, found none");
});
