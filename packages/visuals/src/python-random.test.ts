import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { PythonRandom } from "./python-random.js";

/** Written by CPython 3.11: random.seed(seed); random.shuffle(list(range(n))); three getrandbits(32). */
const cases = [
  {
    seed: 0,
    n: 10,
    first: [7, 8, 1, 5, 3, 4, 2, 0, 9, 6],
    digest: 195,
    next: [1537810351, 2505606783, 3829653368],
  },
  { seed: 1, n: 1, first: [0], digest: 0, next: [577090037, 2444712010, 3639700191] },
  {
    seed: 42,
    n: 400,
    first: [249, 94, 158, 164, 246, 228, 190, 122, 257, 292, 192, 305],
    digest: 15952486,
    next: [2170715377, 2098228320, 1078557553],
  },
  {
    seed: 124,
    n: 97,
    first: [14, 71, 56, 74, 9, 84, 31, 33, 23, 63, 43, 10],
    digest: 217962,
    next: [3253286534, 3153217069, 2153428812],
  },
  {
    seed: -7,
    n: 50,
    first: [24, 35, 14, 31, 10, 48, 11, 16, 28, 29, 42, 38],
    digest: 28668,
    next: [1599435267, 418461138, 2352544553],
  },
  {
    seed: 2147483648,
    n: 33,
    first: [26, 18, 12, 1, 0, 32, 15, 7, 8, 9, 23, 6],
    digest: 9099,
    next: [1371670109, 1449370116, 2471390083],
  },
  {
    seed: 4294967296,
    n: 40,
    first: [35, 17, 6, 25, 39, 20, 19, 32, 24, 33, 38, 34],
    digest: 13592,
    next: [1126910955, 950131088, 713462621],
  },
  {
    seed: 1099511640121,
    n: 1000,
    first: [111, 811, 922, 436, 813, 104, 136, 328, 190, 275, 628, 780],
    digest: 249229902,
    next: [3581917605, 3041191068, 1568977195],
  },
  {
    seed: 9007199254740991,
    n: 20,
    first: [5, 10, 8, 13, 19, 2, 9, 16, 15, 12, 11, 18],
    digest: 1687,
    next: [4139227077, 1001684249, 3214221652],
  },
];

const shuffled = (random: PythonRandom, n: number) => {
  const items = Array.from({ length: n }, (_, i) => i);
  random.shuffle(items);
  return items;
};

describe("PythonRandom", () => {
  it.each(cases)("shuffles $n items with seed $seed as Python does", ({ seed, n, first, digest, next }) => {
    const random = new PythonRandom(seed);
    const items = shuffled(random, n);
    expect(items.slice(0, 12)).toEqual(first);
    expect(items.reduce((sum, v, i) => sum + i * v, 0)).toBe(digest);
    expect(next.map(() => random.getrandbits(32))).toEqual(next);
  });

  const python = process.env.SAEV_PYTHON;
  it.skipIf(!python)("agrees with the Python that is here, for large seeds too", () => {
    const seed = 123456789012345678901234567890n;
    const script = `import random; random.seed(${seed}); x = list(range(5000)); random.shuffle(x); print(x)`;
    const run = spawnSync(python!, ["-c", script], { encoding: "utf8" });
    expect(shuffled(new PythonRandom(seed), 5000)).toEqual(JSON.parse(run.stdout));
  });
});
