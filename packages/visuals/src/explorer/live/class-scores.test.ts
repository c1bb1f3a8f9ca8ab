import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Tensor, writeSafetensors } from "@saev/core";
import { afterAll, expect, test } from "vitest";
import { ClassScores } from "./class-scores.js";

const folder = mkdtempSync(path.join(tmpdir(), "saev-classes-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

async function opened(tensors: Record<string, Tensor>, metadata: Record<string, string> = {}) {
  const file = path.join(folder, `${files++}.safetensors`);
  await writeSafetensors(file, tensors, { metadata: { labels: '["a","b"]', ...metadata } });
  return ClassScores.open(file);
}
const matrix = (...values: number[]) => Tensor.from(Float32Array.from(values), [2, values.length / 2]);
const softmax = (a: number, b: number) => [1 / (1 + Math.exp(b - a)), 1 / (1 + Math.exp(a - b))];

test("embeddings of names score by cosine, whatever their lengths", async () => {
  const scores = await opened({ embeddings: matrix(2, 0, 0, 5) }, { logit_scale: "3" });
  const [a, b] = softmax(3 * 0.6, 3 * 0.8);
  expect(scores.of(Float32Array.of(30, 40))).toEqual([expect.closeTo(a!, 6), expect.closeTo(b!, 6)]);
  expect(scores.of(Float32Array.of(0, 0))).toBeUndefined();
  expect(scores.of(Float32Array.of(1))).toBeUndefined();
});

test("a head scores by its weights and bias", async () => {
  const bias = Tensor.from(Float32Array.of(1, 0));
  const scores = await opened({ weight: matrix(2, 0, 0, 1), bias });
  const [a, b] = softmax(2 * 0.5 + 1, 3);
  expect(scores.of(Float32Array.of(0.5, 3))).toEqual([expect.closeTo(a!, 6), expect.closeTo(b!, 6)]);
  const bare = await opened({ weight: matrix(2, 0, 0, 1) });
  expect(bare.of(Float32Array.of(0, 0))).toEqual([0.5, 0.5]);
});

test("files of another form are refused in words", async () => {
  const weight = () => matrix(1, 2, 3, 4);
  await expect(opened({ vectors: weight() })).rejects.toThrow(/expected a tensor embeddings .* or a head's/);
  await expect(opened({ embeddings: matrix(0, 0, 1, 1) })).rejects.toThrow(/row 0 \(a\) is zero/);
  await expect(opened({ weight: matrix(1, Number.NaN, 1, 1) })).rejects.toThrow(/weight: entry 1 is NaN/);
  await expect(opened({ weight: weight(), bias: Tensor.from(Float32Array.of(1)) })).rejects.toThrow(
    /bias: expected float32 \[2\], found float32 \[1\]/,
  );
  await expect(opened({ weight: weight() }, { labels: '["a"]' })).rejects.toThrow(/a JSON list of 2 names/);
});
