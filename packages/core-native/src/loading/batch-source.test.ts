import { describe, expect, it } from "vitest";
import { Tensor } from "../tensor.js";
import { MemoryLoader } from "./batch-source.js";

const rows = () => Tensor.from(new Float32Array([0, 1, 10, 11, 20, 21]), [3, 2]);

describe("MemoryLoader", () => {
  it("gives every row in order, then null, then the next epoch", async () => {
    using loader = MemoryLoader.create(rows());
    expect([loader.dim, loader.length]).toEqual([2, 3]);
    for (let epoch = 0; epoch < 2; epoch++) {
      using first = (await loader.next(2))!;
      expect([...first.acts.toFloat32Array()]).toEqual([0, 1, 10, 11]);
      using last = (await loader.next(2))!;
      expect([...last.acts.toFloat32Array()]).toEqual([20, 21]);
      expect([...last.patchI.toTypedArray()]).toEqual([-1n]);
      expect(await loader.next(2)).toBeNull();
    }
  });

  it("follows an order and restores its state", async () => {
    using loader = MemoryLoader.create(rows(), [2, 0, 2]);
    using _ = (await loader.next(1))!;
    const state = loader.state();
    using rest = (await loader.next(9))!;
    expect([...rest.index.toTypedArray()]).toEqual([0n, 2n]);
    loader.restore(state);
    using again = (await loader.next(9))!;
    expect([...again.index.toTypedArray()]).toEqual([0n, 2n]);
    expect(() => loader.restore("nonsense")).toThrow(/state/);
  });

  it("refuses rows outside the data and a batch of none", async () => {
    expect(() => MemoryLoader.create(rows(), [3])).toThrow(/row 3 is outside/);
    using loader = MemoryLoader.create(rows());
    await expect(loader.next(0)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});
