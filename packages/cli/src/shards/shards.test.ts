import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Metadata, metadataHash } from "@saev/config";
import { ShardWriter, Tensor } from "@saev/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exitCodeOf, report } from "../errors.js";
import { runInfo } from "../info/run-info.js";
import type { Io } from "../io.js";
import { runConvert } from "./run-convert.js";
import { runVerify } from "./run-verify.js";

const root = mkdtempSync(path.join(tmpdir(), "saev-shards-cli-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Runs a command in this process, and what `main` does about an error. */
async function run(command: (words: string[], io: Io) => Promise<number>, ...words: string[]) {
  const out = { stdout: "", stderr: "" };
  const stream = (name: "stdout" | "stderr") => ({
    write: (text: string) => {
      out[name] += text;
    },
  });
  const io = { stdout: stream("stdout"), stderr: stream("stderr"), env: {} };
  const code = await command(words, io).catch((error: unknown) => {
    report(error, io);
    return exitCodeOf(error);
  });
  return { code, ...out };
}

const metadata: Metadata = {
  vit_family: "clip",
  vit_ckpt: "a model",
  layers: [-1],
  n_patches_per_img: 3,
  cls_token: true,
  d_vit: 4,
  seed: 1,
  n_imgs: 5,
  n_patches_per_shard: 8, // 2 images
  data: "ImageFolderDataset(root='imgs')",
};
let good: string;
beforeAll(async () => {
  using writer = await ShardWriter.open(path.join(root, "good"), metadata);
  using acts = Tensor.from(
    Float32Array.from({ length: 5 * 16 }, (_, i) => i + 1),
    [5, 1, 4, 4],
  );
  await writer.write(acts);
  await writer.finish();
  good = writer.dir;
});

test("verify: a good folder", async () => {
  const { code, stdout } = await run(runVerify, good);
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: "good: 3 shard files, 384 B, 3 checksums compared\n",
  });
  const json = await run(runVerify, good, "--json", "--quiet");
  expect(json.stderr).toBe("");
  expect(JSON.parse(json.stdout)).toMatchObject({
    kind: "shard-verification",
    ok: true,
    findings: [],
    files: 3,
  });
});

test("verify: one line a finding, exit 1", async () => {
  const dir = path.join(root, "bad", metadataHash(metadata));
  cpSync(good, dir, { recursive: true });
  const file = path.join(dir, "acts000001.bin");
  const bytes = readFileSync(file);
  bytes[5] = bytes[5]! ^ 4;
  writeFileSync(file, bytes);
  truncateSync(path.join(dir, "acts000002.bin"), 10);
  writeFileSync(path.join(dir, "mine.txt"), "");
  const { code, stdout } = await run(runVerify, dir, "--quiet");
  expect(code).toBe(1);
  expect(stdout.split("\n")).toEqual([
    expect.stringMatching(/^note: mine\.txt is no file of a shard folder/),
    expect.stringMatching(/^acts000001\.bin: its SHA-256 is .* copy the file anew/),
    expect.stringMatching(/^acts000002\.bin: expected 128 bytes, found 10; record/),
    expect.stringMatching(/^acts000002\.bin: its SHA-256/),
    "bad: 3 shard files, 266 B, 3 checksums compared",
    "",
  ]);
  const json = JSON.parse((await run(runVerify, dir, "--json")).stdout);
  expect(json.ok).toBe(false);
  expect(json.findings).toHaveLength(4);
});

test("verify --recompute: without the pictures it says so and fails", async () => {
  const { code, stdout } = await run(runVerify, good, "--recompute", "2", "--quiet");
  expect(code).toBe(1);
  expect(stdout).toMatch(/^nothing was recomputed: .*imgs.*; model and pictures must be here/m);
  expect(stdout).toContain("name them: data:image-folder-dataset --data.root FOLDER");
  const named = ["data:image-folder-dataset", "--data.root", path.join(root, "elsewhere")];
  const elsewhere = await run(runVerify, good, "--recompute", "2", "--quiet", ...named);
  expect(elsewhere.stdout).toMatch(
    /^nothing was recomputed: .*elsewhere: there is no such folder; model and/m,
  );
  for (const [words, mistake] of [
    [named, "data:KIND: is for --recompute N"],
    [["--vit-ckpt", "m"], "--vit-ckpt: is for --recompute N"],
    [
      ["--recompute", "1", "data:ade20k-dataset", "--data.split", "all"],
      '--data.split: expected "training" or',
    ],
    [["--recompute", "1", "data:images"], "data:images: no such subcommand"],
  ] as const) {
    const wrong = await run(runVerify, good, ...words);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain(mistake);
  }
  const none = await run(runVerify, good, "--recompute", "0");
  expect({ code: none.code, stdout: none.stdout }).toEqual({ code: 2, stdout: "" });
  expect(none.stderr).toContain("--recompute: expected a whole number, 1 or more, found 0");
});

test("verify: what is no shard folder", async () => {
  const { code, stdout, stderr } = await run(runVerify, root);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/^saev: NOT_FOUND: .*holds no metadata\.json/);
  expect((await run(runVerify)).code).toBe(2);
});

test("convert: there and back, and what is wrong with the words", async () => {
  const out = path.join(root, "present");
  const { code, stdout } = await run(runConvert, good, "--to", "protocol-2.1", "--out", out);
  expect(code).toBe(0);
  const dir = /^(.*): 3 shards linked, 0 copied\n$/.exec(stdout)![1]!;
  expect(path.basename(dir)).toMatch(/^[0-9a-f]{8}$/);
  expect((await run(runVerify, dir, "--quiet")).stdout).toBe(
    "good: 3 shard files, 384 B, 3 checksums compared\n",
  );
  const info = await run(runInfo, dir);
  expect(info.stdout).toMatch(/^layout +the Python package's present one, protocol 2\.1$/m);
  expect(info.stdout).toMatch(/^data +imgs$/m);
  expect(info.stdout).not.toContain("note:");
  const about = JSON.parse((await run(runInfo, dir, "--json")).stdout);
  expect(about).toMatchObject({
    format: "protocol-2.1",
    complete: true,
    metadata: { n_examples: 5 },
    problems: [],
  });
  const back = path.join(root, "back");
  const json = await run(runConvert, dir, "--to", "document", "--out", back, "--json");
  expect(JSON.parse(json.stdout)).toEqual({
    kind: "conversion",
    dir: path.join(back, metadataHash(metadata)),
    format: "document",
    linked: 3,
    copied: 0,
  });
  const missing = await run(runConvert, good);
  expect(missing.code).toBe(2);
  expect(missing.stderr).toMatch(/--to is missing\n {2}--out is missing/);
  expect((await run(runConvert, good, "--to", "csv", "--out", out)).code).toBe(2);
  expect((await run(runConvert, good, "--to", "document", "--out", out)).stderr).toMatch(
    /already; nothing to convert/,
  );
});
