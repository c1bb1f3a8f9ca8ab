import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readSaeFile, Tensor, TensorFile, writeTensors } from "../index.js";
import { pickleOf, tensorPickle, zipOf } from "./testing/archives.js";
import { samples } from "./testing/tensors.js";

const folder = mkdtempSync(path.join(os.tmpdir(), "saev-tensors-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => path.join(folder, name);

describe("damaged and lying files", () => {
  const rejects = async (name: string, content: Uint8Array | string, message: RegExp, offset = 0) => {
    writeFileSync(at(name), content);
    const error = await TensorFile.open(at(name), { offset }).then(
      () => undefined,
      (e: unknown) => e as Error & { code: string },
    );
    expect(error?.message, name).toMatch(message);
    expect(error?.message).not.toContain("\n");
    expect(["BAD_FILE", "UNSUPPORTED"]).toContain(error?.code);
  };
  const safetensors = (header: string, data = 0, length = Buffer.byteLength(header)) => {
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(length));
    return Buffer.concat([size, Buffer.from(header), Buffer.alloc(data)]);
  };
  const entry = (more: object) =>
    JSON.stringify({ x: { dtype: "F32", shape: [2], data_offsets: [0, 8], ...more } });

  it("not there, a folder, empty, text", async () => {
    await expect(TensorFile.open(at("absent"))).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(TensorFile.open(folder)).rejects.toMatchObject({ code: "BAD_FILE", message: /is a folder/ });
    await rejects("empty", "", /expected a file of tensors/);
    await rejects("text", "hello, this is no tensor file at all", /expected a file of tensors/);
    await rejects("beyond", "hello", /cut short/, 99);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ["header beyond the file", safetensors(entry({}), 8, 10_000), /claims 10000 bytes/],
    [
      "header of 2^63 bytes",
      Buffer.concat([Buffer.alloc(7), Buffer.from([0x80]), Buffer.from(entry({}))]),
      /claims 9223372036854775808/,
    ],
    ["cut data", safetensors(entry({}), 4), /cut short/],
    ["offsets backwards", safetensors(entry({ data_offsets: [8, 0] }), 8), /cut short/],
    ["negative shape", safetensors(entry({ shape: [-2] }), 8), /impossible shape/],
    ["overflowing shape", safetensors(entry({ shape: [2 ** 40, 2 ** 40, 0] }), 8), /impossible shape/],
    ["shape and bytes disagree", safetensors(entry({ shape: [3] }), 8), /needs 12 bytes/],
    ["unknown dtype", safetensors(entry({ dtype: "Q7" }), 8), /dtype "Q7"/],
    ["missing offsets", safetensors('{"x":{"dtype":"F32","shape":[1]}}', 8), /lacks dtype/],
    [
      "shared bytes",
      safetensors(
        '{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
        8,
      ),
      /share bytes/,
    ],
    [
      "duplicate keys",
      safetensors(
        '{"x":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"x":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}',
      ),
      /occurs twice/,
    ],
    ["deep nesting", safetensors(`{"x":${"[".repeat(5000)}`), /levels of nesting/],
    ["broken JSON", safetensors('{"x": nope}'), /not valid JSON/],
  ])("safetensors: %s", async (name, content, message) => rejects(`s-${name}`, content, message));

  it("an archive cut at any place", async () => {
    await writeTensors(at("whole.zip"), samples());
    const whole = readFileSync(at("whole.zip"));
    for (let size = 1; size < whole.length; size += 97) {
      writeFileSync(at("cut.zip"), whole.subarray(0, size));
      await expect(TensorFile.open(at("cut.zip"))).rejects.toMatchObject({ code: "BAD_FILE" });
    }
  });

  it("an archive with any byte changed reads or gives one line", async () => {
    await writeTensors(at("whole.zip"), {
      x: Tensor.from(new Float32Array([1, 2])),
      y: Tensor.from(new Int8Array(3)),
    });
    const whole = readFileSync(at("whole.zip"));
    for (let i = 0; i < whole.length; i++) {
      const changed = Buffer.from(whole);
      changed[i] = changed[i]! ^ (1 << (i % 8));
      writeFileSync(at("changed.zip"), changed);
      try {
        using file = await TensorFile.open(at("changed.zip"));
        for (const name of file.names()) file.get(name).toTypedArray();
      } catch (error) {
        expect((error as Error & { code: string }).code).toMatch(/BAD_FILE|UNSUPPORTED/);
        expect((error as Error).message).not.toContain("\n");
      }
    }
  });

  it.each<[string, string, RegExp]>([
    // Each pickle is the text after PROTO 2; `T` stands for torch._utils._rebuild_tensor_v2 of record 0 (8 bytes).
    [
      "a function that is no table",
      "cos\nsystem\n(X\x02\0\0\0lstR.",
      /"os\.system", which is not read for safety/,
    ],
    ["a class by another name", "cbuiltins\neval\n.", /"builtins\.eval"/],
    ["more elements than the record", "(T[3]|[1]|3", /claims 3 elements, more than its record of 8 bytes/],
    ["a shape beyond the storage", "(T[9]|[1]|2", /reaches element 8 of 2/],
    ["a stride beyond the storage", "(T[2]|[200]|2", /reaches element 200 of 2/],
    ["strides that overflow", "(T[250,250]|[max,max]|2", /impossible stride/],
    ["a shape that overflows", "(T[max,250]|[0,0]|2", /impossible shape/],
    ["a billion repeats of one element", "(T[250,250,250,250]|[0,0,0,0]|2", /repeats its elements/],
    ["a list that contains itself", "]q\x00h\x00a.", /contain themselves/],
    [
      "lists of lists of lists",
      `]q\x00${"]q\x01h\x00ah\x00a0h\x01q\x00".repeat(40)}.`,
      /nested deeper|more entries/,
    ],
    ["an object never defined", "h\x07.", /did not define/],
    ["an empty stack", ".", /stack is empty/],
    ["a string longer than the file", "X\xff\xff\xff\x7f", /ends in the middle/],
    ["a storage that is missing", "(T[1]|[1]|1|9", /record "9", which is missing/],
    ["an unknown instruction", "\xf0", /instruction that torch.save does not write/],
  ])("pickle: %s", async (name, program, message) => {
    await rejects(
      `p-${name}`,
      zipOf({ "a/data.pkl": pickleOf(program), "a/byteorder": "little", "a/data/0": "\0".repeat(8) }),
      message,
    );
  });

  it("a dict of plain values that stands in thousands of places", async () => {
    // 4000 times 4000 steps of nothing: what is no tensor counts too.
    const dict = `}(${"NN".repeat(4000)}u`;
    const program = `]q\x00(${dict}q\x01${"h\x01".repeat(4000)}e.`;
    await rejects("p-many", zipOf({ "a/data.pkl": pickleOf(program) }), /more entries than any model has/);
  });

  it("names that are no UTF-8", async () => {
    const tensor = tensorPickle("(T[1]|[1]|1");
    const pickle = `\x80\x02}(X\x01\0\0\0\xff${tensor}u.`;
    await rejects("p-name", zipOf({ "a/data.pkl": pickle, "a/data/0": "\0".repeat(4) }), /no UTF-8/);
    await rejects("s-name", safetensors('{"x": "', 0, 7).fill(0xff, 11, 12), /no UTF-8/);
  });

  it("a pickle with the same key twice", async () => {
    const tensor = tensorPickle("(T[1]|[1]|1");
    const pickle = `\x80\x02}(X\x01\0\0\0x${tensor}X\x01\0\0\0x${tensor}u.`;
    await rejects(
      "p-twice",
      zipOf({ "a/data.pkl": pickle, "a/data/0": "\0".repeat(4) }),
      /key "x" occurs twice/,
    );
  });

  it("a zip that lies about its entries", async () => {
    const good = zipOf({ "a/data.pkl": pickleOf("(T[1]|[1]|1"), "a/data/0": "\0".repeat(4) });
    const lie = (change: (b: Buffer) => void) => {
      const b = Buffer.from(good);
      change(b);
      return b;
    };
    const end = good.length - 22;
    await rejects(
      "z-count",
      lie((b) => b.writeUInt16LE(9999, end + 10)),
      /more entries than it has room for/,
    );
    await rejects(
      "z-offset",
      lie((b) => b.writeUInt32LE(0x7fffffff, end + 16)),
      /points outside the file/,
    );
    await rejects("z-none", zipOf({ "b.txt": "x" }), /none that torch.save wrote/);
    await rejects("z-big", zipOf({ "a/data.pkl": pickleOf("N."), "a/byteorder": "big" }), /big-endian/);
    const central = good.readUInt32LE(end + 16);
    await rejects(
      "z-bomb",
      lie((b) => {
        b.writeUInt16LE(8, central + 10);
        b.writeUInt32LE(0x7fffffff, central + 24);
      }),
      /would unpack to 2147483647 bytes/,
    );
    // 48 MiB each is let pass, three of them from some bytes are not.
    const three = zipOf({ "a/data.pkl": pickleOf("N."), "a/data/0": "", "a/data/1": "", "a/data/2": "" });
    for (
      let at = three.readUInt32LE(three.length - 6);
      at < three.length - 22;
      at += 46 + three.readUInt16LE(at + 28)
    ) {
      if (three.toString("latin1", at + 46).startsWith("a/data.pkl")) continue;
      three.writeUInt16LE(8, at + 10);
      three.writeUInt32LE(48 << 20, at + 24);
    }
    await rejects("z-bombs", three, /its records would unpack to 150994944 bytes/);
  });

  it("an SAE checkpoint without its line, or with a line only", async () => {
    writeFileSync(at("no-line.pt"), Buffer.alloc(100, 65));
    await expect(readSaeFile(at("no-line.pt"))).rejects.toThrow(/begins with a line of JSON; found no line/);
    writeFileSync(at("bad-line.pt"), "schema 1\nrest");
    await expect(readSaeFile(at("bad-line.pt"))).rejects.toThrow(/found something else/);
    writeFileSync(at("array.pt"), "[1]\nrest");
    await expect(readSaeFile(at("array.pt"))).rejects.toThrow(/JSON object; found \[1\]/);
    writeFileSync(at("line-only.pt"), "{}\n");
    await expect(readSaeFile(at("line-only.pt"))).rejects.toThrow(/cut short/);
  });
});
