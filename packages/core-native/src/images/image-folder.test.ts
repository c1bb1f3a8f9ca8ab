import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ImageFolder } from "../index.js";

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), "saev-folder-"));
});
afterEach(() => rmSync(root, { recursive: true }));

const touch = (name: string) => {
  mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
  writeFileSync(path.join(root, name), "");
};

it("lists pictures in torchvision's order, with labels", async () => {
  for (const name of [
    "b/2.png",
    "b/10.JPG",
    "a/z/1.webp",
    "a/y.jpg",
    "a/readme.txt",
    "B/x.tiff",
    "loose.jpg",
    "é/ü.bmp",
  ]) {
    touch(name);
  }
  symlinkSync(path.join(root, "b"), path.join(root, "a", "link"));
  const folder = await ImageFolder.open(root);
  expect(folder.classes).toEqual(["B", "a", "b", "é"]);
  expect(folder.images.map((i) => [path.relative(root, i.path), i.target, i.label])).toEqual([
    ["B/x.tiff", 0, "B"],
    ["a/y.jpg", 1, "a"],
    ["a/link/10.JPG", 1, "a"],
    ["a/link/2.png", 1, "a"],
    ["a/z/1.webp", 1, "a"],
    ["b/10.JPG", 2, "b"],
    ["b/2.png", 2, "b"],
    ["é/ü.bmp", 3, "é"],
  ]);
});

it("says which folder is missing or empty", async () => {
  await expect(ImageFolder.open(path.join(root, "gone"))).rejects.toThrow(/no such folder/);
  await expect(ImageFolder.open(root)).rejects.toThrow(/expected class folders/);
  touch("a/1.jpg");
  touch("b/notes.txt");
  await expect(ImageFolder.open(root)).rejects.toThrow(/no pictures in b/);
  await expect(ImageFolder.open(path.join(root, "a/1.jpg"))).rejects.toThrow(/found a file/);
});
