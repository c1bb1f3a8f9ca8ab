import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Tensor, writeSafetensors, writeTensors } from "@saev/core";
import { afterAll, expect, test } from "vitest";
import { PatchHead } from "./patch-head.js";

const folder = mkdtempSync(path.join(tmpdir(), "saev-patch-head-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

const weight = (...values: number[]) => Tensor.from(Float32Array.from(values), [2, values.length / 2]);
const bias = (...values: number[]) => Tensor.from(Float32Array.from(values));
async function opened(tensors: Record<string, Tensor>, metadata: Record<string, string> = {}) {
  const file = path.join(folder, `${files++}.safetensors`);
  await writeSafetensors(file, tensors, { metadata });
  return PatchHead.open(file);
}
const labels = '["sky","bird"]';

test("a patch has the label of the largest logit, the first of equals", async () => {
  const head = await opened({ weight: weight(1, 0, 0, 1), bias: bias(0, 0.5) }, { labels, reads: "last" });
  expect(head).toMatchObject({ labels: ["sky", "bird"], reads: "last", width: 2 });
  expect(head.of(Float32Array.of(1, 0, 0, 1, 0.5, 0))).toEqual([0, 1, 0]);
});

test("a torch file's names are beside it", async () => {
  const file = path.join(folder, "head.pt");
  await writeTensors(file, { weight: weight(1, 0, 0, 1) });
  await expect(PatchHead.open(file)).rejects.toThrow(/2 classes and no names.*/);
  writeFileSync(path.join(folder, "head.json"), labels);
  expect(await PatchHead.open(file)).toMatchObject({ labels: ["sky", "bird"], reads: "layer" });
});

test("files of another form are refused in words", async () => {
  const w = () => weight(1, 2, 3, 4);
  await expect(opened({ vectors: w() }, { labels })).rejects.toThrow(/expected a tensor weight/);
  await expect(opened({ weight: bias(1, 2) }, { labels })).rejects.toThrow(
    /float32 \[classes, d_vit\], found float32 \[2\]/,
  );
  await expect(opened({ weight: weight(1, Number.NaN, 1, 1) }, { labels })).rejects.toThrow(/entry 1 is NaN/);
  await expect(opened({ weight: w(), bias: bias(1) }, { labels })).rejects.toThrow(
    /bias: expected float32 \[2\], found \[1\]/,
  );
  await expect(opened({ weight: w() }, { labels: '["sky"]' })).rejects.toThrow(/JSON list .* 1 names/);
  await expect(opened({ weight: w() }, { labels, reads: "first" })).rejects.toThrow(
    /expected layer or last, found first/,
  );
});
