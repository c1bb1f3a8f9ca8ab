/**
 * Python's `random.Random(seed)`: Mersenne Twister MT19937 seeded with `init_by_array`, and the methods that choosing
 * latents needs, drawing exactly what CPython 3.11 draws.
 */
export class PythonRandom {
  readonly #state = new Uint32Array(624);
  #at = 624;

  /** @param seed any whole number; Python ignores its sign. */
  constructor(seed: number | bigint) {
    let left = BigInt(seed);
    if (left < 0n) left = -left;
    const key: number[] = [];
    do {
      key.push(Number(left & 0xffffffffn));
      left >>= 32n;
    } while (left > 0n);
    this.#initByArray(key);
  }

  /** `random.getrandbits(k)` for k from 1 to 32. */
  getrandbits(k: number): number {
    return this.#next() >>> (32 - k);
  }

  /** `random.randrange(n)`, 1 ≤ n < 2³²: draws until the value is below n. */
  below(n: number): number {
    const bits = 32 - Math.clz32(n);
    let r = this.getrandbits(bits);
    while (r >= n) r = this.getrandbits(bits);
    return r;
  }

  /** `random.shuffle(items)`, in place. */
  shuffle<T>(items: T[]): void {
    for (let i = items.length - 1; i >= 1; i--) {
      const j = this.below(i + 1);
      const item = items[i] as T;
      items[i] = items[j] as T;
      items[j] = item;
    }
  }

  #initGenrand(seed: number): void {
    const mt = this.#state;
    mt[0] = seed;
    for (let i = 1; i < 624; i++) {
      const before = mt[i - 1]!;
      mt[i] = Math.imul(1812433253, before ^ (before >>> 30)) + i;
    }
  }

  #initByArray(key: readonly number[]): void {
    this.#initGenrand(19650218);
    const mt = this.#state;
    let i = 1;
    let j = 0;
    for (let k = Math.max(624, key.length); k > 0; k--) {
      const before = mt[i - 1]!;
      mt[i] = (mt[i]! ^ Math.imul(before ^ (before >>> 30), 1664525)) + key[j]! + j;
      if (++i >= 624) {
        mt[0] = mt[623]!;
        i = 1;
      }
      if (++j >= key.length) j = 0;
    }
    for (let k = 623; k > 0; k--) {
      const before = mt[i - 1]!;
      mt[i] = (mt[i]! ^ Math.imul(before ^ (before >>> 30), 1566083941)) - i;
      if (++i >= 624) {
        mt[0] = mt[623]!;
        i = 1;
      }
    }
    mt[0] = 0x80000000;
  }

  #next(): number {
    const mt = this.#state;
    if (this.#at >= 624) {
      for (let k = 0; k < 624; k++) {
        const y = (mt[k]! & 0x80000000) | (mt[(k + 1) % 624]! & 0x7fffffff);
        mt[k] = mt[(k + 397) % 624]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      this.#at = 0;
    }
    let y = mt[this.#at++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  }
}
