import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { SparseAutoencoder, Tensor } from "@saev/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exitCodeOf, report } from "../errors.js";
import { runConvert } from "./run-convert.js";

const root = mkdtempSync(path.join(tmpdir(), "saev-convert-sae-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function convert(...words: string[]) {
  const out = { stdout: "", stderr: "" };
  const stream = (name: "stdout" | "stderr") => ({
    write: (text: string) => {
      out[name] += text;
    },
  });
  const io = { stdout: stream("stdout"), stderr: stream("stderr"), env: {} };
  const code = await runConvert(words, io).catch((error: unknown) => {
    report(error, io);
    return exitCodeOf(error);
  });
  return { code, ...out };
}

const numbers = (n: number, seed: number) =>
  Float32Array.from({ length: n }, (_, i) => Math.sin(i * 3 + seed));
const file = path.join(root, "sae.pt");
const latents = async (where: string) => {
  using sae = await SparseAutoencoder.load(where);
  using x = Tensor.from(numbers(5 * 4, 9), [5, 4]);
  return (await sae.encode(x)).toDense();
};
beforeAll(async () => {
  const [wEnc, wDec] = [Tensor.from(numbers(32, 1), [4, 8]), Tensor.from(numbers(32, 3), [8, 4])];
  const [bEnc, bDec] = [Tensor.from(numbers(8, 2)), Tensor.from(numbers(4, 4))];
  using sae = SparseAutoencoder.from({ wEnc, bEnc, wDec, bDec }, "centred", { kind: "top-k", topK: 3 });
  await sae.save(file);
});

test("an SAE goes to SAELens and back with the same latents", async () => {
  const [there, back] = [path.join(root, "there"), path.join(root, "back")];
  const { code, stdout } = await convert(file, "--to", "saelens", "--out", there);
  expect([code, stdout]).toEqual([0, `${there}: top-k SAE, 8 latents of width 4, as saelens\n`]);
  const json = await convert(there, "--to", "saev", "--out", back, "--json");
  expect(JSON.parse(json.stdout)).toEqual({
    kind: "sae-conversion",
    dir: back,
    format: "saev",
    sae: "top-k",
    dVit: 4,
    dSae: 8,
    notKept: [],
  });
  const expected = await latents(file);
  for (const [i, v] of (await latents(path.join(back, "sae.pt"))).entries())
    expect(v).toBeCloseTo(expected[i]!, 5);
});

test("what a layout has no place for is said, and what it has place for is kept", async () => {
  const source = path.join(root, "groups.pt");
  const [wEnc, wDec] = [Tensor.from(numbers(32, 1), [4, 8]), Tensor.from(numbers(32, 3), [8, 4])];
  const [bEnc, bDec] = [Tensor.from(numbers(8, 2)), Tensor.from(numbers(4, 4))];
  const kind = { kind: "batch-top-k", topK: 3, threshold: 0.2 } as const;
  using made = SparseAutoencoder.from({ wEnc, bEnc, wDec, bDec }, "centred", kind);
  made.groupSizes = [2, 6];
  await made.save(source);
  const kept = await convert(source, "--to", "dictionary-learning", "--out", path.join(root, "matryoshka"));
  expect([kept.code, kept.stderr]).toEqual([0, ""]);
  using there = await SparseAutoencoder.load(path.join(root, "matryoshka"));
  expect(there.groupSizes).toEqual([2, 6]);
  const lost = await convert(source, "--to", "saelens", "--out", path.join(root, "lens"), "--json");
  const sentences = [
    "the sizes of its Matryoshka groups (2, 6) are not kept: SAELens has no place for them",
    "k = 3 is not kept: SAELens keeps a batch-top-k SAE as jumprelu, without k",
  ];
  expect(JSON.parse(lost.stdout)).toMatchObject({ notKept: sentences });
  expect(lost.stderr).toBe(sentences.map((sentence) => `warning: ${sentence}\n`).join(""));
});

test("an SAE goes to the Python package's schemas, and what it will not read is said", async () => {
  const out = path.join(root, "python");
  const made = await convert(file, "--to", "schema-5", "--out", out);
  expect([made.code, made.stdout]).toEqual([0, `${out}: top-k SAE, 8 latents of width 4, as schema-5\n`]);
  expect(made.stderr).toMatch(/^warning: the ReLU after its selection is not kept/);
  const expected = await latents(file);
  for (const [i, v] of (await latents(path.join(out, "sae.pt"))).entries())
    expect(v).toBeCloseTo(expected[i]!, 5);
  const next = await convert(file, "--to", "schema-2", "--out", path.join(root, "schema-2"));
  expect([next.code, next.stdout]).toEqual([
    0,
    expect.stringMatching(/8 latents of width 4, as schema-2\n$/),
  ]);
  const old = await convert(file, "--to", "schema-1", "--out", path.join(root, "old"));
  expect([old.code, old.stderr]).toEqual([
    1,
    expect.stringMatching(/UNSUPPORTED: .*schema 1 holds relu SAEs/),
  ]);
});

test("shards and SAEs are told apart by content, and nothing is written over", async () => {
  const out = path.join(root, "out");
  const wrong = await convert(file, "--to", "document", "--out", out);
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("no folder of shards")]);
  const shards = path.join(root, "shards");
  mkdirSync(shards);
  writeFileSync(path.join(shards, "metadata.json"), "{}");
  const other = await convert(shards, "--to", "saelens", "--out", out);
  expect([other.code, other.stderr]).toEqual([2, expect.stringContaining("is a folder of shards")]);
  const again = await convert(file, "--to", "saev", "--out", root);
  expect([again.code, again.stderr]).toEqual([2, expect.stringContaining("is there already")]);
  expect((await convert(path.join(root, "absent"), "--to", "saelens", "--out", out)).code).not.toBe(0);
  expect(existsSync(out)).toBe(false);
});
