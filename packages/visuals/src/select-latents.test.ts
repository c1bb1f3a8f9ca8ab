import { describe, expect, it } from "vitest";
import { latentLogs, selectLatents } from "./select-latents.js";

const options = {
  include_latents: [] as number[],
  log_freq_range: [-3, -1] as const,
  log_value_range: [-1, 1] as const,
  n_latents: 400,
  seed: 42,
  epsilon: 1e-9,
};
const frequency = Float32Array.from([0, 1e-2, 1e-3, 1e-1, 5e-2, 2e-2, 0.5]);
const mean = Float32Array.from([Number.NaN, 1, 1, 1, 0.05, 2, 1]);

describe("selectLatents", () => {
  it("takes what lies strictly inside both ranges", () => {
    // 0 is silent, 3 and 6 fire too often (10^-1 is the edge), 4 too weakly. With epsilon 2 is just above its edge.
    expect(selectLatents(frequency, mean, { ...options, epsilon: 0 }).sort()).toEqual([1, 5]);
  });

  it("puts included latents first, once, and lets n_latents count the others", () => {
    const all = selectLatents(frequency, mean, {
      ...options,
      include_latents: [0, 5, 0],
      n_latents: 1,
      epsilon: 0,
    });
    expect(all).toEqual([0, 5, 1]);
    expect(() => selectLatents(frequency, mean, { ...options, include_latents: [7] })).toThrow(
      /0 to 6, found 7/,
    );
  });

  it("shuffles as Python does", () => {
    const many = new Float32Array(10).fill(0.01);
    // python3 -c "import random; x=list(range(10)); random.seed(42); random.shuffle(x); print(x)"
    expect(selectLatents(many, new Float32Array(10).fill(1), options)).toEqual([
      7, 3, 2, 8, 5, 6, 9, 4, 0, 1,
    ]);
  });
});

describe("latentLogs", () => {
  it("is finite for silent latents thanks to epsilon, and as in Python for legacy", () => {
    expect(latentLogs(0, Number.NaN, 1e-9)).toEqual({ log10Freq: -9, log10Value: -9 });
    expect(latentLogs(0, Number.NaN, 1e-9, true)).toEqual({ log10Freq: -Infinity, log10Value: Number.NaN });
  });
});
