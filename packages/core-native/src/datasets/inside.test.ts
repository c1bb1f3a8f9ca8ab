/** What somebody's archive, table or label file names, and where its links lead, stays in its folder. */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Ade20k } from "./ade20k.js";
import { HuggingFaceImages } from "./hugging-face.js";
import { insideOf } from "./inside.js";
import { tarMembers } from "./tar-members.js";
import { writeAde20k } from "./testing/ade20k.js";
import { WebDataset } from "./web-dataset.js";

const fixtures = path.resolve(import.meta.dirname, "../../../../test/fixtures/datasets/paths");
const picture = path.join(fixtures, "pictures/0.png");

let root: string;
let secret: string;
const at = (...parts: string[]) => path.join(root, ...parts);
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), "saev-inside-"));
  secret = at("secret.txt");
  writeFileSync(secret, "secret one\nsecret two\n");
});
afterAll(() => rmSync(root, { recursive: true }));

it("insideOf takes names and links within a folder, and refuses every way out", async () => {
  const base = at("base");
  mkdirSync(path.join(base, "sub"), { recursive: true });
  writeFileSync(path.join(base, "sub/a.png"), "");
  symlinkSync("sub", path.join(base, "within"));
  symlinkSync("..", path.join(base, "up"));
  symlinkSync(root, path.join(base, "sub/out"));
  symlinkSync("loop", path.join(base, "loop"));
  for (const name of [
    "sub/a.png",
    "./sub/../sub/a.png",
    "within/a.png",
    "not/there.png",
    path.join(base, "sub/a.png"),
  ])
    expect(await insideOf(base, name, "a list")).toBe(path.resolve(base, name));
  for (const name of [
    "../secret.txt",
    "/etc/hostname",
    "up/secret.txt",
    "sub/out/secret.txt",
    "sub/a.png\0.txt",
    `${base}-2/a.png`,
  ])
    await expect(insideOf(base, name, "a list"), name).rejects.toMatchObject({
      code: "BAD_FILE",
      message: expect.stringMatching(/^a list: the path ".*" leads out of /s),
    });
  // The folder itself may be a link: it is what the user gave.
  symlinkSync(base, at("alias"));
  expect(await insideOf(at("alias"), "within/a.png", "a list")).toBe(at("alias/within/a.png"));
});

it("archives: names with .., absolute names and links are never followed", async () => {
  const folder = at("members");
  mkdirSync(folder);
  copyFileSync(picture, path.join(folder, "a.png"));
  symlinkSync(secret, path.join(folder, "b.cls"));
  copyFileSync(picture, path.join(folder, "b.png"));
  const tar = at("hostile.tar");
  const names = "--transform=s,a.png,../../evil.png,";
  execFileSync("tar", ["-Pcf", tar, names, "-C", folder, "a.png", "b.cls", "b.png"]);
  execFileSync("tar", ["-Prf", tar, secret]);
  const members = [];
  for await (const { name } of tarMembers(tar)) members.push(name);
  expect(members).toEqual(["../../evil.png", "b.png", secret]);
  const dataset = await WebDataset.open(tar);
  expect([dataset.length, await dataset.label(0), await dataset.label(1)]).toEqual([2, "", ""]);
  // Bytes of the archive, whatever it calls them.
  expect(
    Buffer.from((await dataset.image(0)) as Uint8Array)
      .subarray(1, 4)
      .toString(),
  ).toBe("PNG");
});

it("classes.txt and sceneCategories.txt are not read through links that lead out", async () => {
  const folder = at("archives");
  mkdirSync(folder);
  copyFileSync(picture, at("0.png"));
  writeFileSync(at("0.cls"), "1");
  execFileSync("tar", ["-cf", path.join(folder, "a.tar"), "-C", root, "0.cls", "0.png"]);
  symlinkSync(secret, path.join(folder, "classes.txt"));
  await expect(WebDataset.open(folder)).rejects.toThrow(/the path "classes.txt" leads out of/);
  rmSync(path.join(folder, "classes.txt"));
  writeFileSync(path.join(folder, "names.txt"), "ox\nowl\n");
  symlinkSync("names.txt", path.join(folder, "classes.txt"));
  expect(await (await WebDataset.open(folder)).label(0)).toBe("owl");

  const ade = at("ade");
  await writeAde20k(ade, 2);
  rmSync(path.join(ade, "sceneCategories.txt"));
  symlinkSync(secret, path.join(ade, "sceneCategories.txt"));
  await expect(Ade20k.open(ade, "training")).rejects.toThrow(/the path "sceneCategories.txt" leads out of/);
});

it("in the hub's cache, links lead to the repository's blobs and nowhere else", async () => {
  const repo = at("datasets--org--paths");
  const snapshot = path.join(repo, "snapshots", "a".repeat(40));
  mkdirSync(path.join(snapshot, "pictures"), { recursive: true });
  mkdirSync(path.join(repo, "blobs"));
  copyFileSync(path.join(fixtures, "train.parquet"), path.join(repo, "blobs/table"));
  symlinkSync("../../blobs/table", path.join(snapshot, "train.parquet"));
  copyFileSync(picture, path.join(repo, "blobs/picture"));
  symlinkSync("../../../blobs/picture", path.join(snapshot, "pictures/0.png"));
  symlinkSync(picture, path.join(snapshot, "pictures/1.png"));
  const dataset = await HuggingFaceImages.open(snapshot, "train");
  expect(await dataset.image(0)).toBe(path.join(snapshot, "pictures/0.png"));
  await expect(dataset.image(1)).rejects.toThrow("leads out of");
});
