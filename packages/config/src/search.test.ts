import { describe, expect, test } from "vitest";
import {
  choice,
  drawFrom,
  grid,
  intUniform,
  logUniform,
  normal,
  parseTrain,
  type Train,
  uniform,
  uniformBits,
} from "./index.js";

const base = parseTrain({ seed: 7, sae: { seed: 3 } });
const search = { n_samples: 4, seed: 5 };
const relu = (cfg: Train) => (cfg.sae.kind === "relu" ? cfg.sae : undefined)!;

describe("draws are the same everywhere", () => {
  // The formula of uniformBits, computed by Python's hashlib.
  test.each([
    [0, 0, 0, "lr", 0.42003416644431685],
    [0, 0, 1, "lr", 0.8212099387157346],
    [42, 3, 17, "sae.exp_factor", 0.8078178894549106],
    [-1, 0, 1099511627776, "objective.sparsity_coeff", 0.9690252017425725],
  ])("%#", (seed, point, sample, path, value) => {
    expect(uniformBits({ seed, point, sample, path })).toBe(value);
  });

  // Python with math.log, math.exp and NormalDist.inv_cdf gave these.
  test("to the last bit, for every distribution", () => {
    const draw = { seed: 1, point: 2, sample: 3, path: "lr" };
    const bits = (x: unknown): string => {
      const buffer = Buffer.alloc(8);
      buffer.writeDoubleBE(x as number);
      return buffer.toString("hex");
    };
    expect({
      uniform: bits(drawFrom(uniform(-1, 3), draw)),
      log_uniform: bits(drawFrom(logUniform(1e-5, 1e-2), draw)),
      normal: bits(drawFrom(normal(2, 0.5), draw)),
      int_uniform: drawFrom(intUniform(-5, 1000), draw),
      choice: drawFrom(choice(["a", "b", "c"]), draw),
    }).toEqual({
      uniform: "bfe15a27d899c486",
      log_uniform: "3ef71da3492b385a",
      normal: "3ff65fb4a180d466",
      int_uniform: 110,
      choice: "a",
    });
  });
});

test("the distributions have the shape they should", () => {
  const n = 4000;
  const sample = (d: Parameters<typeof drawFrom>[0]) =>
    Array.from({ length: n }, (_, i) => drawFrom(d, { seed: 0, point: 0, sample: i, path: "x" }) as number);
  const mean = (xs: number[]) => xs.reduce((a, b) => a + b) / xs.length;
  const std = (xs: number[]) => Math.sqrt(mean(xs.map((x) => (x - mean(xs)) ** 2)));
  // Five standard errors each.
  const near = (x: number, expected: number, deviation: number) =>
    expect(Math.abs(x - expected)).toBeLessThan((5 * deviation) / Math.sqrt(n));
  const flat = sample(uniform(2, 4));
  near(mean(flat), 3, 2 / Math.sqrt(12));
  expect(Math.min(...flat)).toBeGreaterThanOrEqual(2);
  expect(Math.max(...flat)).toBeLessThanOrEqual(4);
  near(mean(sample(logUniform(1e-4, 1e-2)).map(Math.log10)), -3, 2 / Math.sqrt(12));
  const bell = sample(normal(1, 2));
  near(mean(bell), 1, 2);
  near(std(bell), 2, 2 / Math.SQRT2);
  const dice = sample(intUniform(1, 6));
  const words = sample(choice([0, 1, 2]));
  for (let face = 1; face <= 6; face++)
    near(dice.filter((x) => x === face).length / n, 1 / 6, Math.sqrt(5 / 36));
  for (let word = 0; word < 3; word++)
    near(words.filter((x) => x === word).length / n, 1 / 3, Math.sqrt(2 / 9));
  expect(new Set(dice)).toEqual(new Set([1, 2, 3, 4, 5, 6]));
});

describe("a sweep with distributions", () => {
  const sweep = {
    search,
    lr: logUniform(1e-5, 1e-2),
    sae: { exp_factor: [8, 16], n_reinit_samples: intUniform(0, 1000) },
    objective: { sparsity_coeff: choice([1e-4, 4e-4]) },
  };

  test("draws n_samples at each combination of the lists, samples fastest, seeds counted on", () => {
    const { cfgs, errs } = grid(base, sweep);
    expect(errs).toEqual([]);
    expect(cfgs.map((c) => relu(c).exp_factor)).toEqual([8, 8, 8, 8, 16, 16, 16, 16]);
    expect(cfgs.map((c) => c.seed)).toEqual([7, 8, 9, 10, 11, 12, 13, 14]);
    expect(cfgs.map((c) => relu(c).seed)).toEqual([10, 11, 12, 13, 14, 15, 16, 17]);
    expect(new Set(cfgs.map((c) => c.lr)).size).toBe(8);
  });

  test("is the same each time, another with another seed, and keeps its draws when it grows", () => {
    const lrs = (s: Record<string, unknown>) => grid(base, s).cfgs.map((c) => c.lr);
    expect(lrs(sweep)).toEqual(lrs(structuredClone(sweep)));
    expect(lrs({ ...sweep, search: { n_samples: 4, seed: 6 } })).not.toEqual(lrs(sweep));
    expect(lrs({ ...sweep, search: { n_samples: 9, seed: 5 } }).slice(0, 4)).toEqual(lrs(sweep).slice(0, 4));
    expect(lrs({ ...sweep, tag: choice(["a", "b"]) })).toEqual(lrs(sweep));
  });

  test("draws inside tables of a list of tables too; what holds no distribution comes once", () => {
    const { cfgs, errs } = grid(base, {
      search,
      sae: [{ exp_factor: intUniform(1, 64) }, { exp_factor: 3 }],
    });
    expect(errs).toEqual([]);
    expect(cfgs.map((c) => relu(c).exp_factor).slice(4)).toEqual([3]);
  });

  test.each([
    [
      { lr: uniform(0, 1) },
      "search.n_samples: expected an integer >= 1, since the sweep holds distributions, found nothing",
    ],
    [{ search: { n_samples: 0 }, lr: uniform(0, 1) }, /^search.n_samples: .*found 0$/],
    [
      { search: { n_samples: 2, sed: 1 }, lr: uniform(0, 1) },
      /^search.sed: expected only n_samples and seed in search/,
    ],
    [{ search: { n_samples: 2, seed: 0.5 }, lr: uniform(0, 1) }, /^search.seed: expected an integer/],
    [{ search: 3, lr: uniform(0, 1) }, /^search: expected a table/],
    [{ search, lr: [1] }, /^search: expected distributions/],
    [
      { search, lr: uniform(1, 0) },
      'lr: expected uniform = [low, high] with low < high, found {"uniform":[1,0]}',
    ],
    [{ search, lr: logUniform(0, 1) }, /^lr: expected log_uniform = \[low, high\] with 0 < low < high/],
    [{ search, lr: { normal: [0] } }, /^lr: expected normal/],
    [{ search, lr: choice([]) }, /^lr: expected choice/],
    [
      { search, sae: { exp_factor: uniform(1, 2) } },
      /^sae.exp_factor: expected int_uniform or choice: this field is an integer/,
    ],
    [{ search, sae: { exp_factor: intUniform(1, 2.5) } }, /^sae.exp_factor: expected int_uniform = /],
    [{ search, tag: normal(0, 1) }, /^tag: expected choice, or a list: this field is no number/],
    [
      { search, sae: { exp_facto: intUniform(1, 2) } },
      /^sae.exp_facto: Relu has no field "exp_facto"; did you mean exp_factor\?$/,
    ],
  ])("mistake %#", (wrong, message) => {
    const { errs, cfgs } = grid(base, wrong as Record<string, unknown>);
    expect(cfgs).toEqual([]);
    const all = errs.map((e) => e.message);
    expect(
      all.some((m) => (typeof message === "string" ? m === message : message.test(m))),
      all.join("\n"),
    ).toBe(true);
  });

  test("several mistakes are reported together", () => {
    const { errs } = grid(base, {
      search: { n_samples: -1 },
      lr: uniform(1, 0),
      n_patchs: 3,
      sae: { d_vit: "x" },
    });
    expect(errs.map((e) => e.path).sort()).toEqual(["lr", "n_patchs", "sae.d_vit", "search.n_samples"]);
  });
});
