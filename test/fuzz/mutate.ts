import type { Random } from "./random.js";

/** Numbers at which parsers go wrong. */
const telling = [
  0,
  1,
  2,
  3,
  4,
  8,
  16,
  32,
  64,
  127,
  128,
  255,
  256,
  4096,
  32767,
  32768,
  65535,
  65536,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
];
const digits = [
  "0",
  "1",
  "-1",
  "9",
  "255",
  "256",
  "65535",
  "65536",
  "2147483648",
  "4294967296",
  "9007199254740993",
  "1e9",
  "99999999999",
];

/** One to five changes: bits, bytes, numbers of every width, words, cuts, repeats, and pieces of other inputs. */
export function mutate(
  seed: Uint8Array,
  others: readonly Uint8Array[],
  words: readonly Uint8Array[],
  maxBytes: number,
  random: Random,
): Uint8Array<ArrayBuffer> {
  let bytes = Buffer.from(seed);
  for (let times = 1 + random.below(5); times > 0; times--) {
    bytes = change(bytes, others, words, random);
    if (bytes.length > maxBytes) bytes = bytes.subarray(0, maxBytes);
  }
  // A block of its own size, so that nothing reads the bytes beside it unseen.
  const exact = new Uint8Array(bytes.length);
  exact.set(bytes);
  return exact;
}

function change(
  bytes: Buffer,
  others: readonly Uint8Array[],
  words: readonly Uint8Array[],
  random: Random,
): Buffer<ArrayBuffer> {
  const n = bytes.length;
  const at = random.below(n + 1);
  const inside = n === 0 ? 0 : random.below(n);
  const put = (part: Uint8Array, replace: number) =>
    Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(Math.min(n, at + replace))]);
  switch (random.below(n === 0 ? 1 : 11)) {
    case 0:
      return put(words.length > 0 ? random.pick(words) : Buffer.from([random.below(256)]), 0);
    case 1: {
      const word = words.length > 0 ? random.pick(words) : Buffer.from([random.below(256)]);
      return put(word, word.length);
    }
    case 2: {
      const out = Buffer.from(bytes);
      out[inside]! ^= 1 << random.below(8);
      return out;
    }
    case 3: {
      const out = Buffer.from(bytes);
      out[inside] = random.below(256);
      return out;
    }
    case 4: {
      const width = random.pick([1, 2, 4]);
      const number = Buffer.alloc(4);
      const value = random.below(3) === 0 ? random.below(2 ** 32) : random.pick(telling);
      if (random.below(2) === 0) number.writeUInt32LE(value % 2 ** 32);
      else number.writeUInt32BE((value * 2 ** (32 - 8 * width)) % 2 ** 32);
      return put(number.subarray(0, width), width);
    }
    case 5: {
      const out = Buffer.from(bytes);
      out[inside] = out[inside]! + random.below(33) - 16;
      return out;
    }
    case 6:
      return bytes.subarray(0, inside) as Buffer<ArrayBuffer>;
    case 7:
      return put(Buffer.alloc(0), 1 + random.below(Math.min(n, 64)));
    case 8:
      return put(bytes.subarray(inside, inside + 1 + random.below(64)), random.pick([0, 0, 4, 16]));
    case 9: {
      const other = random.pick(others);
      const from = random.below(other.length + 1);
      return put(
        other.subarray(from, from + 1 + random.below(Math.max(1, other.length - from))),
        random.pick([0, n]),
      );
    }
    default:
      return digitsAt(bytes, inside, random);
  }
}

/** Another number where a number stands as text, at `from` or after it. */
function digitsAt(bytes: Buffer, from: number, random: Random): Buffer<ArrayBuffer> {
  const isDigit = (i: number) => i < bytes.length && bytes[i]! >= 48 && bytes[i]! <= 57;
  let start = from;
  while (start < bytes.length && !isDigit(start)) start++;
  let end = start;
  while (isDigit(end)) end++;
  return Buffer.concat([bytes.subarray(0, start), Buffer.from(random.pick(digits)), bytes.subarray(end)]);
}
