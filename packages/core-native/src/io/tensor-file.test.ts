import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  readSaeFile,
  readTensor,
  Tensor,
  TensorFile,
  writeSaeFile,
  writeSafetensors,
  writeTensor,
  writeTensors,
} from "../index.js";
import { python, runPython } from "./python.test-util.js";

const folder = mkdtempSync(path.join(os.tmpdir(), "saev-tensors-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => path.join(folder, name);

const samples = () => ({
  f32: Tensor.from(new Float32Array([1.5, -2, Number.NaN, 4, 5, 6]), [2, 3]),
  f64: Tensor.from(new Float64Array([Math.PI])),
  f16: Tensor.from(new Uint16Array([0x3c00, 0x7bff]), [2], "float16"),
  bf16: Tensor.from(new Uint16Array([0x3f80, 0xc000, 0x0001]), [3], "bfloat16"),
  i64: Tensor.from(new BigInt64Array([-(2n ** 63n), 2n ** 63n - 1n])),
  i32: Tensor.from(new Int32Array([-7])),
  i16: Tensor.from(new Int16Array([-300])),
  i8: Tensor.from(new Int8Array([-128, 127])),
  u8: Tensor.from(new Uint8Array([255])),
  bool: Tensor.from(new Uint8Array([1, 0, 1]), [3], "bool"),
  scalar: Tensor.from(new Float32Array([1.7]), []),
  empty: Tensor.from(new Float32Array(0), [0, 4]),
  "a.ключ": Tensor.from(new Float32Array([1])),
});

const bytes = (t: Tensor) => Buffer.from(t.toTypedArray().buffer).toString("hex");
const describeTensor = (t: Tensor) => `${t.dtype} [${t.shape}] ${bytes(t)}`;

describe.each(["safetensors", "dict", "ordered", "behind a header"])("written and read: %s", (format) => {
  it("keeps names, order, shapes, dtypes and bits", async () => {
    const file = at(`round-${format}`);
    const tensors = samples();
    const header = `${" ".repeat(63)}\n`;
    if (format === "safetensors")
      await writeSafetensors(file, tensors, { metadata: { format: "pt", é: '"' } });
    else if (format === "behind a header") await writeTensors(file, tensors, { header });
    else await writeTensors(file, tensors, { ordered: format === "ordered" });
    using read = await TensorFile.open(file, { offset: format === "behind a header" ? header.length : 0 });
    expect([...read.names()].sort()).toEqual(Object.keys(tensors).sort());
    if (format !== "safetensors") expect(read.names()).toEqual(Object.keys(tensors));
    else
      expect([...read.metadata]).toEqual([
        ["format", "pt"],
        ["é", '"'],
      ]);
    for (const [name, tensor] of Object.entries(tensors)) {
      expect(describeTensor(read.get(name)), name).toBe(describeTensor(tensor));
    }
    expect(readdirSync(folder).filter((f) => f.includes("tmp"))).toEqual([]);
  });
});

it("one tensor", async () => {
  await writeTensor(at("one.pt"), Tensor.from(new Float32Array([3, 4])));
  expect([...(await readTensor(at("one.pt"))).toFloat32Array()]).toEqual([3, 4]);
  await writeTensors(at("two.pt"), samples());
  await expect(readTensor(at("two.pt"))).rejects.toThrow(/expected one tensor, found 13/);
});

it("a tensor outlives its file, and changing it leaves the file alone", async () => {
  await writeTensor(at("live.pt"), Tensor.from(new Float32Array([3, 4])));
  const before = readFileSync(at("live.pt"));
  const tensor = await readTensor(at("live.pt"));
  rmSync(at("live.pt"));
  expect([...tensor.toFloat32Array()]).toEqual([3, 4]);
  expect(before.length).toBeGreaterThan(0);
});

it("a checkpoint", async () => {
  const tensors = {
    W_enc: Tensor.from(new Float32Array([1, 2]), [1, 2]),
    b_dec: Tensor.from(new Float32Array([5])),
  };
  await writeSaeFile(at("sae.pt"), { schema: 1, cfg: { d_vit: 1 }, note: "ü" }, tensors);
  const { header, tensors: read } = await readSaeFile(at("sae.pt"));
  expect(header).toEqual({ schema: 1, cfg: { d_vit: 1 }, note: "ü" });
  expect([...read.keys()]).toEqual(["W_enc", "b_dec"]);
  expect([...read.get("W_enc")!.toFloat32Array()]).toEqual([1, 2]);
});

it("a failed write leaves what was there", async () => {
  await writeTensor(at("kept.pt"), Tensor.from(new Float32Array([1])));
  const disposed = Tensor.from(new Float32Array([2]));
  disposed.dispose();
  await expect(writeTensor(at("kept.pt"), disposed)).rejects.toMatchObject({ code: "DISPOSED" });
  expect([...(await readTensor(at("kept.pt"))).toFloat32Array()]).toEqual([1]);
  await expect(
    writeTensor(at("no/such/folder.pt"), Tensor.from(new Float32Array([1]))),
  ).rejects.toMatchObject({
    code: "NOT_FOUND",
  });
  await expect(writeTensor("/dev/full/x.pt", Tensor.from(new Float32Array([1])))).rejects.toMatchObject({
    code: "NOT_FOUND",
  });
});

describe.skipIf(!python)("with Python's torch", () => {
  beforeAll(() => {
    runPython(
      `
import torch, sys, collections, io, json, zipfile
d = sys.argv[1] + "/"
def make():
    torch.manual_seed(0)
    x = torch.randn(6, 4)
    return collections.OrderedDict(
      f32=x, transposed=x.t(), slice=x[2:4, 1:3], row=x[3], f64=torch.randn(3, dtype=torch.float64),
      f16=torch.randn(3).half(), bf16=torch.randn(5).bfloat16(), i64=torch.tensor([-2**63, 2**63-1]),
      i32=torch.arange(3, dtype=torch.int32), i16=torch.arange(3, dtype=torch.int16), i8=torch.arange(3, dtype=torch.int8),
      u8=torch.arange(3, dtype=torch.uint8), b=torch.tensor([True, False]), scalar=torch.tensor(2.5), empty=torch.zeros(0, 3),
      param=torch.nn.Parameter(torch.randn(2, 2)), expanded=torch.ones(1).expand(5))
sd = make()
torch.save(sd, d + "sd.pt")
torch.save(dict(sd), d + "dict.pt")
torch.save(sd, d + "legacy.pt", _use_new_zipfile_serialization=False)
torch.save({"epoch": 3, "lr": 1e-3, "note": None, "model": dict(sd), "list": [sd["f32"], (sd["f64"],)], "opt": {0: {"m": sd["b"]}}, "size": sd["f32"].shape, "dev": torch.device("cpu"), "dt": torch.float32, "s": {1, 2}}, d + "nested.pt")
torch.save(sd["f32"], d + "tensor.pt")
m = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
torch.save(m.state_dict(), d + "module.pt")
torch.save(m, d + "whole.pt")
torch.save(m.state_dict(), d + "proto4.pt", pickle_protocol=4)
torch.save({"x": sd["f32"].to(torch.float8_e4m3fn), "y": torch.arange(3).to(torch.uint16)}, d + "v3.pt")
torch.jit.script(torch.nn.Linear(2, 2)).save(d + "script.pt")
z = zipfile.ZipFile(d + "sd.pt")
with zipfile.ZipFile(d + "deflated.pt", "w", zipfile.ZIP_DEFLATED) as out:
    for i in z.infolist(): out.writestr(i.filename, z.read(i))
with open(d + "pysae.pt", "wb") as f:
    f.write(json.dumps({"schema": 1}).encode() + b"\\n"); torch.save(sd, f)
def text(t):
    t = t.detach().contiguous()
    return f"{str(t.dtype)[6:]} [{','.join(map(str, t.shape))}] {bytes(t.reshape(-1).view(torch.uint8).tolist() if t.numel() and t.dim() else (t.reshape(1).view(torch.uint8).tolist() if t.numel() else [])).hex()}"
json.dump({k: text(v) for k, v in sd.items()}, open(d + "expected.json", "w"))
json.dump({k: text(v) for k, v in m.state_dict().items()}, open(d + "module.json", "w"))
`,
      folder,
    );
  });
  const expected = (name = "expected") =>
    JSON.parse(readFileSync(at(`${name}.json`), "utf8")) as Record<string, string>;

  it.each(["sd.pt", "dict.pt", "legacy.pt", "deflated.pt"])("reads %s to the bit", async (name) => {
    using file = await TensorFile.open(at(name));
    expect(Object.fromEntries(file.names().map((n) => [n, describeTensor(file.get(n))]))).toEqual(expected());
    expect(file.names()).toEqual(Object.keys(expected()));
  });

  it.each(["module.pt", "proto4.pt"])("reads the state dict of a module: %s", async (name) => {
    using file = await TensorFile.open(at(name));
    expect(Object.fromEntries(file.names().map((n) => [n, describeTensor(file.get(n))]))).toEqual(
      expected("module"),
    );
  });

  it("reads nested dicts, lone tensors and checkpoints", async () => {
    using nested = await TensorFile.open(at("nested.pt"));
    expect(describeTensor(nested.get("model.slice"))).toBe(expected().slice);
    expect(describeTensor(nested.get("list.1.0"))).toBe(expected().f64);
    expect(describeTensor(nested.get("opt.0.m"))).toBe(expected().b);
    expect(describeTensor(await readTensor(at("tensor.pt")))).toBe(expected().f32);
    const sae = await readSaeFile(at("pysae.pt"));
    expect(sae.header).toEqual({ schema: 1 });
    expect(describeTensor(sae.tensors.get("bf16")!)).toBe(expected().bf16);
  });

  it("refuses what is no table of tensors, by name", async () => {
    await expect(TensorFile.open(at("whole.pt"))).rejects.toMatchObject({
      code: "UNSUPPORTED",
      message: /torch\.nn\.modules\.container\.Sequential/,
    });
    await expect(TensorFile.open(at("script.pt"))).rejects.toMatchObject({
      code: "UNSUPPORTED",
      message: /TorchScript/,
    });
    using v3 = await TensorFile.open(at("v3.pt"));
    expect(() => v3.get("x")).toThrow(/float8_e4m3fn, which has no form in JavaScript/);
  });

  it("writes what torch.load(weights_only=True) and the Python package's load read", async () => {
    const tensors = samples();
    await writeTensors(at("w_dict.pt"), tensors);
    await writeTensors(at("w_ordered.pt"), tensors, { ordered: true });
    await writeTensor(at("w_one.pt"), tensors.f32);
    await writeSaeFile(at("w_sae.pt"), { schema: 1 }, tensors);
    const out = runPython(
      `
import torch, sys, json, io, zipfile
d = sys.argv[1] + "/"
def text(t):
    flat = t.contiguous().reshape(-1)
    return f"{str(t.dtype)[6:]} [{','.join(map(str, t.shape))}] {bytes(flat.view(torch.uint8).tolist() if flat.numel() else []).hex()}"
a = torch.load(d + "w_dict.pt", weights_only=True)
b = torch.load(d + "w_ordered.pt", weights_only=True)
with open(d + "w_sae.pt", "rb") as f:
    header = json.loads(f.readline()); c = torch.load(io.BytesIO(f.read()), weights_only=True)
with open(d + "w_sae.pt", "rb") as f:
    f.readline(); e = torch.load(f, weights_only=True)
assert type(a) is dict and type(b).__name__ == "OrderedDict" and header == {"schema": 1}
assert all(str(a[k].tolist()) == str(b[k].tolist()) == str(c[k].tolist()) == str(e[k].tolist()) for k in a)
assert zipfile.ZipFile(d + "w_dict.pt").testzip() is None
assert torch.load(d + "w_one.pt", weights_only=True).shape == (2, 3)
print(json.dumps({k: text(v) for k, v in a.items()}))
`,
      folder,
    );
    expect(JSON.parse(out)).toEqual(
      Object.fromEntries(Object.entries(tensors).map(([k, t]) => [k, describeTensor(t)])),
    );
  });

  it("a file that shrinks while it is open gives an error", async () => {
    using file = await TensorFile.open(at("dict.pt"));
    truncateSync(at("dict.pt"), 100);
    expect(() => file.get("f32")).toThrow(/shrank from/);
  });
});

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

/** A pickle from a program, latin1; tensors are written as `(T[sizes]|[strides]|numel[|key]`. */
function pickleOf(program: string): string {
  return `\x80\x02${program.startsWith("(T") ? `${tensorPickle(program)}.` : program}`;
}

function tensorPickle(program: string): string {
  const [sizes, strides, numel, key = "0"] = program.slice(2).split("|") as [string, string, string, string?];
  const int = (text: string) =>
    text === "max" ? `\x8a\x08${"\xff".repeat(7)}\x7f` : `K${String.fromCharCode(Number(text))}`;
  const tuple = (text: string) => `(${text.slice(1, -1).split(",").map(int).join("")}t`;
  const storage = `(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0${key}X\x03\0\0\0cpu${int(numel)}tQ`;
  return `ctorch._utils\n_rebuild_tensor_v2\n(${storage}K\0${tuple(sizes)}${tuple(strides)}\x89}tR`;
}

/** A zip of stored records, latin1. */
function zipOf(records: Record<string, string>): Buffer {
  const parts: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(records)) {
    const data = Buffer.from(text, "latin1");
    const local = Buffer.alloc(30 + name.length);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt32LE(data.length, 18);
    local.writeUInt32LE(data.length, 22);
    local.writeUInt16LE(name.length, 26);
    local.write(name, 30, "latin1");
    const entry = Buffer.alloc(46 + name.length);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt32LE(data.length, 20);
    entry.writeUInt32LE(data.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(offset, 42);
    entry.write(name, 46, "latin1");
    central.push(entry);
    parts.push(local, data);
    offset += local.length + data.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(central.length, 8);
  end.writeUInt16LE(central.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, directory, end]);
}
