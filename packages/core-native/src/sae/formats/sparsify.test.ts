import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { python } from "../../io/python.test-util.js";
import { Tensor } from "../../tensor.js";
import type { Activation } from "../activation.js";
import { SparseAutoencoder } from "../sparse-autoencoder.js";
import { exportCheckpoint, recogniseCheckpoint } from "./index.js";

const root = mkdtempSync(path.join(tmpdir(), "saev-sparsify-"));
afterAll(() => rmSync(root, { recursive: true }));

const numbers = (n: number, seed: number) =>
  Float32Array.from({ length: n }, (_, i) => Math.sin(i * 7.1 + seed));
const topK: Activation = { kind: "top-k", topK: 4, relu: true };
const make = (input: "centred" | "raw", activation: Activation = topK) =>
  SparseAutoencoder.from(
    {
      wEnc: Tensor.from(numbers(108, 1), [6, 18]),
      bEnc: Tensor.from(numbers(18, 2)),
      wDec: Tensor.from(numbers(108, 3), [18, 6]),
      bDec: Tensor.from(numbers(6, 4)),
    },
    input,
    activation,
  );
const x = numbers(42, 9);
async function latents(sae: SparseAutoencoder) {
  using rows = Tensor.from(x, [7, 6]);
  using f = await sae.encode(rows);
  return f.toDense();
}
/** Sums of six products of numbers up to 1, in float32 and in another order. */
function expectClose(a: ArrayLike<number>, b: ArrayLike<number>) {
  expect(a.length).toBe(b.length);
  for (let i = 0; i < a.length; i++) expect(Math.abs(a[i]! - b[i]!)).toBeLessThan(2e-5);
}

// The documented layout in plain torch; python-packages.test.ts asks the package itself.
const program = `
import json, sys, torch
from pathlib import Path
b = Path(sys.argv[1], "sae.safetensors").read_bytes()
n = int.from_bytes(b[:8], "little")
t = {k: torch.frombuffer(bytearray(b[8 + n + v["data_offsets"][0]:8 + n + v["data_offsets"][1]]), dtype=torch.float32).view(v["shape"]) for k, v in json.loads(b[8:8 + n]).items() if k != "__metadata__"}
x = torch.tensor(json.loads(sys.argv[2])).view(7, 6)
h = ((x - t["b_dec"]) @ t["encoder.weight"].T + t["encoder.bias"]).relu()
v, i = h.topk(json.loads(Path(sys.argv[1], "cfg.json").read_text())["k"])
f = torch.zeros(7, 18).scatter_(1, i, v)`;

test.skipIf(!python)(
  "what we write encodes the same latents there and comes back",
  async () => {
    for (const input of ["centred", "raw"] as const) {
      const dir = path.join(root, input);
      using sae = make(input);
      const f = await latents(sae);
      expect(f.filter((v) => v > 0).length).toBeGreaterThan(10);
      await exportCheckpoint(dir, sae, "sparsify");
      const run = spawnSync(
        python!,
        ["-c", `${program}\nprint(json.dumps(f.flatten().tolist()))`, dir, JSON.stringify([...x])],
        { encoding: "utf8" },
      );
      expect(run.status, run.stderr).toBe(0);
      expectClose(JSON.parse(run.stdout.trim().split("\n").at(-1)!), f);
      for (const where of [dir, path.join(dir, "sae.safetensors")]) {
        expect((await recogniseCheckpoint(where))?.name).toBe("sparsify");
        using back = await SparseAutoencoder.load(where);
        expect([back.input, back.activation]).toEqual(["centred", topK]);
        expectClose(await latents(back), f);
      }
    }
  },
  60_000,
);

test("what either side cannot hold is refused with the reason", async () => {
  const dir = path.join(root, "edited");
  using good = make("centred");
  await exportCheckpoint(dir, good, "sparsify");
  const file = path.join(dir, "cfg.json");
  const cfg = JSON.parse(readFileSync(file, "utf8"));
  for (const [change, message] of [
    [{ transcode: true }, /transcoder/],
    [{ skip_connection: true }, /skip_connection/],
    [{ activation: "groupmax" }, /groupmax/],
    [{ k: "4" }, /whole number/],
  ] as [object, RegExp][]) {
    writeFileSync(file, JSON.stringify({ ...cfg, ...change }));
    await expect(SparseAutoencoder.load(dir)).rejects.toThrow(message);
  }
  using relu = make("raw", { kind: "relu" });
  await expect(exportCheckpoint(path.join(root, "no"), relu, "sparsify")).rejects.toThrow(/top-k SAEs/);
  using keeps = make("raw", { ...topK, relu: false });
  await expect(exportCheckpoint(path.join(root, "no"), keeps, "sparsify")).rejects.toThrow(/relu = false/);
});
