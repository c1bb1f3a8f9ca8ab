import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openDataset } from "../images/image-dataset.js";
import { GlobImages } from "./glob.js";

let root: string;
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), "saev-glob-"));
  for (const file of [
    "b.jpg",
    "B.PNG",
    "10.jpg",
    "9.jpg",
    "notes.txt",
    "ox/1.jpg",
    "ox/deep/2.webp",
    "cat/3.jpg",
    "[odd] {1}/4.jpg",
  ]) {
    mkdirSync(path.join(root, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(root, file), "");
  }
});
afterAll(() => rmSync(root, { recursive: true }));

const names = async (pattern: string) => {
  const dataset = await GlobImages.open(path.join(root, pattern));
  const all = [];
  for (let i = 0; i < dataset.length; i++) {
    expect(await dataset.image(i)).toBe(dataset.where(i));
    all.push([path.relative(root, dataset.where(i)), await dataset.label(i)]);
  }
  return all;
};

it("takes the pictures of a folder, and not those below it", async () => {
  const flat = ["10.jpg", "9.jpg", "B.PNG", "b.jpg"].map((name) => [name, ""]);
  expect(await names(".")).toEqual(flat);
  expect(await names("*")).toEqual(flat);
  expect(await names("[odd] {1}")).toEqual([["[odd] {1}/4.jpg", ""]]);
});

it("takes what a pattern finds, labelled by folder", async () => {
  expect(await names("*/*.jpg")).toEqual([
    ["[odd] {1}/4.jpg", "[odd] {1}"],
    ["cat/3.jpg", "cat"],
    ["ox/1.jpg", "ox"],
  ]);
  expect(await names("{ox,cat}/**/*")).toEqual([
    ["cat/3.jpg", "cat"],
    ["ox/1.jpg", "ox"],
    ["ox/deep/2.webp", "ox/deep"],
  ]);
  expect(await names("{8..12}.jpg")).toEqual([
    ["10.jpg", ""],
    ["9.jpg", ""],
  ]);
  expect(await names("ox/1.jpg")).toEqual([["ox/1.jpg", ""]]);
  const dataset = await openDataset({ kind: "glob-dataset", pattern: path.join(root, "**/*.jpg") });
  expect(dataset.classes).toEqual(["[odd] {1}", "cat", "ox"]);
});

it("says when there is nothing", async () => {
  await expect(GlobImages.open(path.join(root, "none"))).rejects.toThrow(
    "expected pictures, found nothing there",
  );
  await expect(GlobImages.open(path.join(root, "*.txt"))).rejects.toThrow(
    "expected pictures, found 1 other files",
  );
  await expect(GlobImages.open(path.join(root, "*.gif"))).rejects.toMatchObject({ code: "NOT_FOUND" });
});
