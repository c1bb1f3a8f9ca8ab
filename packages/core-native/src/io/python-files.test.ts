import { mkdtempSync, readFileSync, rmSync, truncateSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readSaeFile, readTensor, TensorFile, writeSaeFile, writeTensor, writeTensors } from "../index.js";
import { python, runPython } from "./python.test-util.js";
import { describeTensor, samples } from "./testing/tensors.js";

const folder = mkdtempSync(path.join(os.tmpdir(), "saev-tensors-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => path.join(folder, name);

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
