/** Archives whose records somebody packed anew, which torch.save does not do: unpacked by our own reader of DEFLATE. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { constants, deflateRawSync, type ZlibOptions } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { TensorFile } from "../index.js";
import { pickleOf, zipOf } from "./testing/archives.js";

const folder = mkdtempSync(path.join(os.tmpdir(), "saev-deflated-"));
afterAll(() => rmSync(folder, { recursive: true }));

const numel = 100_000;
/** Bytes that packers treat in different ways. */
const contents: Readonly<Record<string, (i: number) => number>> = {
  zeros: () => 0,
  noise: (i) => (Math.imul(i, 2654435761) >>> 13) & 255,
  text: (i) => "the quick brown fox jumps over the lazy dog, again and again; ".charCodeAt((i * 7) % 61),
  "far repeats": (i) =>
    i < 32_768 ? (Math.imul(i, 40503) >>> 7) & 255 : (Math.imul(i - 32_768, 40503) >>> 7) & 255,
  "skewed bytes": (i) => Math.floor(Math.log2(1 + ((Math.imul(i, 2654435761) >>> 8) & 0xffff))),
};
const ways: Readonly<Record<string, ZlibOptions>> = {
  stored: { level: 0 },
  fast: { level: 1 },
  best: { level: 9, memLevel: 9 },
  "small window": { level: 9, windowBits: 9 },
  "fixed codes": { strategy: constants.Z_FIXED },
  "Huffman only": { strategy: constants.Z_HUFFMAN_ONLY },
  "run lengths": { strategy: constants.Z_RLE },
};

const tensor = () => pickleOf(`(T[int32 ${numel}]|[1]|int32 ${numel}`);

describe.each(Object.keys(contents))("%s", (content) => {
  const data = Buffer.from(Uint8Array.from({ length: 4 * numel }, (_, i) => contents[content]!(i)));

  it.each(Object.keys(ways))("packed: %s", async (way) => {
    const file = path.join(folder, "x.pt");
    writeFileSync(
      file,
      zipOf({ "a/data.pkl": tensor(), "a/data/0": data }, (bytes) => deflateRawSync(bytes, ways[way])),
    );
    using opened = await TensorFile.open(file);
    const read = Buffer.from(opened.get("").toTypedArray().buffer);
    expect(read.equals(data)).toBe(true);
  });
});

it("refuses records that were packed by another hand than their size and checksum say", async () => {
  const file = path.join(folder, "x.pt");
  const data = Buffer.alloc(4 * numel, 1);
  const refuse = async (pack: (bytes: Buffer) => Buffer, message: RegExp) => {
    writeFileSync(file, zipOf({ "a/data.pkl": tensor(), "a/data/0": data }, pack));
    using opened = await TensorFile.open(file);
    expect(() => opened.get("")).toThrow(message);
  };
  const isData = (bytes: Buffer) => bytes.length === data.length;
  await refuse((b) => deflateRawSync(isData(b) ? b.subarray(4) : b), /fewer bytes than it should have/);
  await refuse(
    (b) => deflateRawSync(isData(b) ? Buffer.concat([b, b]) : b),
    /more bytes than it should have/,
  );
  await refuse((b) => deflateRawSync(isData(b) ? Buffer.alloc(b.length, 2) : b), /its checksum is wrong/);
  await refuse(
    (b) => (isData(b) ? deflateRawSync(b).subarray(0, 20) : deflateRawSync(b)),
    /a record cannot be unpacked: .*; the file is damaged/,
  );
});
