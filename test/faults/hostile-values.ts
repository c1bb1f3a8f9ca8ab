/** Values that no caller should give. Made anew for each call: what a call keeps must not poison the next. */
export const hostileValues: readonly (() => unknown)[] = [
  () => undefined,
  () => null,
  () => true,
  () => 0,
  () => 1,
  () => 3,
  () => -1,
  () => 0.5,
  () => Number.NaN,
  () => Number.POSITIVE_INFINITY,
  () => 2 ** 45,
  () => 2 ** 53,
  () => -(2 ** 53),
  () => 1e308,
  () => 2n ** 70n,
  () => -1n,
  () => "",
  () => "float32",
  () => "no such thing",
  () => "/dev/null/nowhere", // a path that root cannot create either
  () => "a\0b",
  () => "\ud800",
  () => Symbol("x"),
  () => () => {},
  () => () => {
    throw new Error("a callback of the caller's");
  },
  () => [],
  () => [1],
  () => [2, 3],
  () => [-1, 2],
  () => [Number.NaN],
  () => [2 ** 40, 2 ** 40],
  () => [2 ** 62],
  () => Array.from({ length: 100 }, () => 1),
  () => ["a", 1],
  () => new Array(5),
  () => [[1], [2]],
  () => new Uint8Array(0),
  () => new Uint8Array(7),
  () => new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer),
  () => new Float32Array([1, Number.NaN, Number.POSITIVE_INFINITY]),
  () => new Float64Array(4),
  () => new BigInt64Array(2),
  () => new ArrayBuffer(8),
  () => new DataView(new ArrayBuffer(8)),
  () => new SharedArrayBuffer(8),
  () => ({}),
  () => ({ abort: {} }),
  () => ({ abort: 1, onProgress: 3 }),
  () => ({
    onProgress: () => {
      throw new Error("a progress callback of the caller's");
    },
  }),
  () => ({ length: 3, 0: 1 }),
  () => Object.create(null),
  () => new Date(Number.NaN),
  () =>
    Object.defineProperty({}, "abort", {
      enumerable: true,
      get() {
        throw new Error("a getter of the caller's");
      },
    }),
  () =>
    new Proxy(
      {},
      {
        get: () => {
          throw new Error("a proxy of the caller's");
        },
      },
    ),
];
