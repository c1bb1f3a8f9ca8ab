import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ConfigError, Dataset, nImgs } from "./index.js";

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "saev-dataset-"));
});
afterAll(() => rmSync(root, { recursive: true }));

test("nImgs counts every file, as os.walk lists them", async () => {
  const folder = join(root, "images");
  mkdirSync(join(folder, "a", "deep"), { recursive: true });
  mkdirSync(join(root, "outside"));
  writeFileSync(join(root, "outside", "not-counted.jpg"), "");
  for (const name of ["a/1.jpg", "a/readme.txt", "a/deep/2.png", "top.jpg"])
    writeFileSync(join(folder, name), "");
  symlinkSync(join(root, "outside"), join(folder, "linked-folder"));
  symlinkSync(join(folder, "top.jpg"), join(folder, "linked-file"));
  symlinkSync(join(root, "nowhere"), join(folder, "broken-link"));
  const odd = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0xfe])]);
  mkdirSync(odd);
  writeFileSync(Buffer.concat([odd, Buffer.from("/3.jpg")]), "");
  expect(await nImgs(Dataset.parse({ root: folder }))).toBe(7);
  expect(await nImgs(Dataset.parse({ root: join(root, "missing") }))).toBe(0);
});

test("nImgs of ADE20K is a constant, and ImageNet is refused", async () => {
  expect(await nImgs(Dataset.parse({ kind: "ade20k-dataset" }))).toBe(20_210);
  expect(await nImgs(Dataset.parse({ root: ".", split: "validation" }))).toBe(2_000);
  await expect(nImgs(Dataset.parse({}))).rejects.toThrow(ConfigError);
});
