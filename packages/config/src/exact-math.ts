/**
 * Elementary functions that give the same bits on every machine and engine. ECMAScript leaves the last digits of
 * Math.exp and Math.log to the engine; these use only +, −, ×, ÷ and Math.sqrt on float64, each of which IEEE 754
 * rounds in one way. Their error is a few units in the last place.
 */

/** ln 2 in two parts: the first has 32 trailing zero bits, so that its product with an exponent is exact. */
const ln2High = 0.6931471803691238;
const ln2Low = 1.9082149292705877e-10;

/** e^x for |x| ≤ 700; beyond that the result would leave the normal range. */
export function exp(x: number): number {
  const k = Math.round(x / (ln2High + ln2Low));
  const r = x - k * ln2High - k * ln2Low;
  // Taylor's series, |r| ≤ 0.35: the 18th term is below 2^-80.
  let sum = 1;
  for (let n = 18; n >= 1; n--) sum = 1 + (r / n) * sum;
  return timesPowerOf2(sum, k);
}

/** The natural logarithm of a finite x > 0. */
export function log(x: number): number {
  let m = x;
  let k = 0;
  while (m >= Math.SQRT2) {
    m /= 2;
    k += 1;
  }
  while (m < Math.SQRT1_2) {
    m *= 2;
    k -= 1;
  }
  // ln m = 2 artanh s with s = (m − 1) / (m + 1), |s| ≤ 0.172: s^44 is below 2^-110.
  const s = (m - 1) / (m + 1);
  const square = s * s;
  let sum = 0;
  for (let n = 43; n >= 3; n -= 2) sum = (sum + 1 / n) * square;
  return k * ln2High + (2 * s + (2 * s * sum + k * ln2Low));
}

/** Exact, since a normal number's exponent is all that changes. */
function timesPowerOf2(x: number, k: number): number {
  let y = x;
  for (let i = 0; i < k; i++) y *= 2;
  for (let i = 0; i > k; i--) y /= 2;
  return y;
}

/**
 * The standard normal quantile of p in (0, 1), to about 16 digits: algorithm AS 241 (PPND16), M. J. Wichura,
 * "The Percentage Points of the Normal Distribution", Applied Statistics 37 (1988), 477–484.
 */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * polynomial(centre.numerator, r)) / polynomial(centre.denominator, r);
  }
  const r = Math.sqrt(-log(q < 0 ? p : 1 - p));
  const [part, shift] = r <= 5 ? [middle, 1.6] : [tail, 5];
  const x = polynomial(part.numerator, r - shift) / polynomial(part.denominator, r - shift);
  return q < 0 ? -x : x;
}

/** Coefficients of the highest power first. */
const polynomial = (coefficients: readonly number[], x: number): number =>
  coefficients.reduce((sum, c) => sum * x + c, 0);

const centre = {
  numerator: [
    2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946,
    1971.5909503065513, 133.14166789178438, 3.3871328727963665,
  ],
  denominator: [
    5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751,
    687.1870074920579, 42.31333070160091, 1,
  ],
};

const middle = {
  numerator: [
    0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045,
    5.769497221460691, 4.630337846156546, 1.4234371107496835,
  ],
  denominator: [
    1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008, 0.6897673349851,
    1.6763848301838038, 2.053191626637759, 1,
  ],
};

const tail = {
  numerator: [
    2.0103343992922881e-7, 2.7115555687434876e-5, 0.0012426609473880784, 0.026532189526576124,
    0.29656057182850487, 1.7848265399172913, 5.463784911164114, 6.657904643501103,
  ],
  denominator: [
    2.0442631033899397e-15, 1.421511758316446e-7, 1.8463183175100548e-5, 0.0007868691311456133,
    0.014875361290850615, 0.1369298809227358, 0.599832206555888, 1,
  ],
};
