import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { crc32 } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { npyHeader, rowStartType } from "./npy.js";
import { hasPythonTables, runPython } from "./testing/python-tables.js";
import { ZipWriter } from "./zip-writer.js";

const folder = mkdtempSync(path.join(tmpdir(), "saev-zip-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("ZipWriter", () => {
  it("refuses members that are not what they said", async () => {
    const zip = await ZipWriter.create(path.join(folder, "wrong.zip"));
    await zip.begin("a", 3);
    await expect(zip.write(new Uint8Array(4))).rejects.toThrow(/more bytes/);
    await zip.write(new Uint8Array(2));
    await expect(zip.begin("b", 1)).rejects.toThrow(/ends before/);
    await expect(zip.finish()).rejects.toThrow(/ends before/);
    await zip.close();
  });

  it.skipIf(!hasPythonTables)("writes what Python's zipfile finds whole, in parts of any size", async () => {
    const file = path.join(folder, "small.zip");
    const zip = await ZipWriter.create(file);
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
    await zip.begin("data.bin", 1000);
    for (let at = 0; at < 1000; at += 333) await zip.write(bytes.subarray(at, Math.min(1000, at + 333)));
    await zip.begin("empty", 0);
    await zip.finish();
    const script = `
import json, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
print(json.dumps({i.filename: [i.file_size, i.CRC] for i in z.infolist()}))`;
    expect(runPython(script, file)).toEqual({ "data.bin": [1000, crc32(bytes)], empty: [0, 0] });
  });

  it.skipIf(!hasPythonTables)("goes beyond 4 GiB, in a member and in the file", async () => {
    // A file with holes: it takes a few kilobytes of disk. 2³¹ + 6 int32 values, so that row starts are int64.
    const nnz = 2 ** 31 + 6;
    const file = path.join(folder, "large.npz");
    const zip = await ZipWriter.create(file);
    for (const [name, type] of [
      ["indices.npy", "<i4"],
      ["data.npy", "<f4"],
    ] as const) {
      const header = npyHeader(type, [nnz]);
      await zip.begin(name, header.length + 4 * nnz);
      await zip.write(header);
      zip.skip(4 * nnz, 0);
    }
    const type = rowStartType(nnz);
    const header = npyHeader(type, [3]);
    await zip.begin("indptr.npy", header.length + 24);
    await zip.write(header);
    await zip.write(new Uint8Array(new BigInt64Array([0n, 6n, BigInt(nnz)]).buffer));
    await zip.finish();
    expect(statSync(file).size).toBeGreaterThan(2 ** 34);
    expect(statSync(file).blocks * 512).toBeLessThan(1e6);
    const script = `
import json, sys, zipfile
import numpy as np
z = zipfile.ZipFile(sys.argv[1])
out = {}
for name in z.namelist():
    with z.open(name) as f:
        assert np.lib.format.read_magic(f) == (1, 0)
        shape, order, dtype = np.lib.format.read_array_header_1_0(f)
        out[name] = [list(shape), order, dtype.str, z.getinfo(name).file_size]
starts = np.load(sys.argv[1])["indptr"]
print(json.dumps({"members": out, "starts": starts.tolist(), "dtype": starts.dtype.str}))`;
    const size = 128 + 4 * nnz;
    expect(runPython(script, file)).toEqual({
      members: {
        "indices.npy": [[nnz], false, "<i4", size],
        "data.npy": [[nnz], false, "<f4", size],
        "indptr.npy": [[3], false, "<i8", 128 + 24],
      },
      starts: [0, 6, nnz],
      dtype: "<i8",
    });
  });
});

describe("npy", () => {
  it("has row starts of 32 bits as long as they fit", () => {
    expect(rowStartType(0)).toBe("<i4");
    expect(rowStartType(2 ** 31 - 1)).toBe("<i4");
    expect(rowStartType(2 ** 31)).toBe("<i8");
    expect(rowStartType(2 ** 52)).toBe("<i8");
    for (const wrong of [-1, 1.5, 2 ** 53]) expect(() => rowStartType(wrong)).toThrow(/2\^53/);
  });

  it("begins values at a multiple of 64 bytes", () => {
    for (const shape of [[], [5], [2, 3], [2 ** 40, 1, 7]]) {
      const header = Buffer.from(npyHeader("<f4", shape));
      expect(header.length % 64).toBe(0);
      expect(header.readUInt16LE(8)).toBe(header.length - 10);
      expect(header.at(-1)).toBe(0x0a);
    }
    expect(Buffer.from(npyHeader("|S3", [])).toString("latin1")).toContain("'shape': ()");
    expect(Buffer.from(npyHeader("<i4", [5])).toString("latin1")).toContain("'shape': (5,)");
  });
});
