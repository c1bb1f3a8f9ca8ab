import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
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
import { describeTensor, samples } from "./testing/tensors.js";

const folder = mkdtempSync(path.join(os.tmpdir(), "saev-tensors-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => path.join(folder, name);

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
