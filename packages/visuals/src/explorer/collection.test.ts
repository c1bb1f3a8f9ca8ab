import { appendFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Collection } from "./collection.js";

const folder = mkdtempSync(path.join(tmpdir(), "saev-collection-"));
const runs = path.join(folder, "runs");
const one = path.join(runs, "one");
const metrics = path.join(one, "metrics.jsonl");

beforeAll(() => {
  mkdirSync(one, { recursive: true });
  writeFileSync(path.join(one, "config.json"), "{}");
  writeFileSync(metrics, '{"step":10,"mse":1}\n{"step":10,"val_mse":2}\n');
  symlinkSync(runs, path.join(folder, "link"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const opened = async (...paths: string[]) => [...(await Collection.open(paths)).runs.values()];

test("a folder that is given twice, by another name or within another, is listed once", async () => {
  expect((await opened(runs, path.join(folder, "link"), one)).map(({ title }) => title)).toEqual(["one"]);
  expect(await opened(path.join(folder, "link"))).toHaveLength(1);
});

test("what cannot be opened is said in words", async () => {
  await expect(Collection.open([path.join(folder, "nothing")])).rejects.toMatchObject({
    code: "NOT_FOUND",
    message: expect.stringContaining("nothing is there"),
  });
  await expect(Collection.open([path.join(folder, "x".repeat(300))])).rejects.toMatchObject({
    code: "IO",
    message: expect.stringMatching(/^cannot open .*: ENAMETOOLONG/),
  });
  mkdirSync(path.join(folder, "empty"));
  await expect(Collection.open([path.join(folder, "empty")])).rejects.toThrow(/found neither visuals .* nor/);
});

test("a run is read on from where it was read to, and from its start when its file was cut", async () => {
  const [run] = await opened(runs);
  const last = () => run!.read([]).last;
  expect(last()).toEqual({ step: 10, mse: 1, val_mse: 2 });
  appendFileSync(metrics, '{"step":20,"mse":0.5}\n{"step":30,"m');
  expect(last()).toEqual({ step: 20, mse: 0.5, val_mse: 2 });
  appendFileSync(metrics, 'se":0.4}\n');
  expect(last()).toEqual({ step: 30, mse: 0.4, val_mse: 2 });
  writeFileSync(metrics, '{"step":5,"mse":3}\n');
  expect(last()).toEqual({ step: 5, mse: 3 });
  rmSync(metrics);
  expect(last()).toBeNull();
});
