import { describe, expect, it } from "vitest";
import { SaevError, systemInfo, Tensor } from "./index.js";

describe("Tensor", () => {
  it("keeps shape, dtype and values", () => {
    using t = Tensor.from(new Float32Array([1, 2, 3, 4, 5, 6]), [2, 3]);
    expect(t.shape).toEqual([2, 3]);
    expect(t.dtype).toBe("float32");
    expect([...t.narrow(0, 1, 1).toFloat32Array()]).toEqual([4, 5, 6]);
  });

  it("refuses a shape that does not fit, and use after dispose", () => {
    expect(() => Tensor.from(new Float32Array(5), [2, 3])).toThrow(SaevError);
    const t = Tensor.from(new Float32Array(2));
    t.dispose();
    t.dispose();
    expect(() => t.toTypedArray()).toThrow(/disposed/);
  });
});

describe("systemInfo", () => {
  it("names flavour and libtorch", () => {
    expect(systemInfo()).toMatchObject({ flavour: "cpu" });
  });
});
