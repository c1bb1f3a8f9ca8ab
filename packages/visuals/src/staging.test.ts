import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { Staging } from "./staging.js";

const root = mkdtempSync(path.join(tmpdir(), "saev-staging-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const synced = vi.hoisted(() => vi.fn<(folder: string) => void>());
vi.mock("@saev/core", async (original) => {
  const core = await original<typeof import("@saev/core")>();
  return {
    ...core,
    syncFileSystem: async (folder: string) => {
      synced(folder);
      await core.syncFileSystem(folder);
    },
  };
});

const draw = (staging: Staging) => {
  mkdirSync(path.join(staging.folder, "neurons"), { recursive: true });
  writeFileSync(path.join(staging.folder, "neurons", "0.png"), "picture");
};

test("an interrupted job finds what it drew; another job, or one from before a power cut, does not", async () => {
  const target = path.join(root, "visuals");
  draw(await Staging.open(target, "job", "monday"));
  expect((await Staging.open(target, "job", "monday")).resumed).toBe(true);
  expect(existsSync(path.join(`${target}.partial`, "neurons/0.png"))).toBe(true);
  // The machine was off meanwhile: files that nobody synced may be there and empty.
  expect((await Staging.open(target, "job", "tuesday")).resumed).toBe(false);
  expect(existsSync(path.join(`${target}.partial`, "neurons"))).toBe(false);
  draw(await Staging.open(target, "job"));
  expect((await Staging.open(target, "job")).resumed).toBe(true);
  expect((await Staging.open(target, "other")).resumed).toBe(false);
});

test("everything is synced, once, while nothing is in place yet", async () => {
  const target = path.join(root, "published");
  const staging = await Staging.open(target, "job");
  draw(staging);
  writeFileSync(path.join(staging.folder, "index.html"), "page");
  synced.mockImplementationOnce((folder) => {
    expect(readdirSync(folder).sort()).toEqual([".job", "index.html", "neurons"]);
    expect(readdirSync(target)).toEqual([]);
  });
  await staging.publish("index.html");
  expect(synced.mock.calls).toEqual([[staging.folder]]);
  expect(readFileSync(path.join(target, "neurons/0.png"), "utf8")).toBe("picture");
  expect(readdirSync(root).filter((name) => name.includes("published"))).toEqual(["published"]);
  // What cannot be synced stays where it is.
  const refused = await Staging.open(path.join(root, "refused"), "job");
  draw(refused);
  synced.mockImplementationOnce(() => {
    throw new Error("no space");
  });
  await expect(refused.publish("index.html")).rejects.toThrow("no space");
  expect(readdirSync(refused.target)).toEqual([]);
  expect((await Staging.open(refused.target, "job")).resumed).toBe(true);
});
