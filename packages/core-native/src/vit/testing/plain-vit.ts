export type Rows = number[][];

/** Weight and bias, of a linear layer or of a norm. */
export type Pair = readonly [weight: Float32Array, bias: Float32Array];

export interface PlainBlock {
  readonly norm1: Pair;
  readonly qkv: Pair;
  readonly proj: Pair;
  readonly norm2: Pair;
  readonly fc1: Pair;
  readonly fc2: Pair;
  /** LayerScale. */
  readonly scale1?: Float32Array | undefined;
  readonly scale2?: Float32Array | undefined;
}

export interface PlainVit {
  readonly d: number;
  readonly heads: number;
  readonly eps: number;
  readonly mlp: keyof typeof activations | "swiglu";
  /** Whether a token attends to itself and those before it only. */
  readonly causal?: boolean;
  readonly blocks: readonly PlainBlock[];
}

const activations = {
  erf: (v: number) => v * normalCdf(v),
  tanh: (v: number) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3))),
  quick: (v: number) => v / (1 + Math.exp(-1.702 * v)),
} as const;

/**
 * The formula of a pre-norm vision transformer in float64, one token and one head at a time: what `ViT.record` is tested
 * against. @returns for each block, its output [tokens][d], from what enters the first one.
 */
export function plainBlocks({ d, heads, eps, mlp, causal, blocks }: PlainVit, embedded: Rows): Rows[] {
  let x = embedded;
  return blocks.map((b) => {
    const qkv = x.map((token) => linear(norm(token, b.norm1, eps), b.qkv));
    const attended = attention(qkv, d, d / heads, causal ?? false);
    x = x.map((token, t) => add(token, linear(attended[t]!, b.proj), b.scale1));
    x = x.map((token) => {
      const hidden = linear(norm(token, b.norm2, eps), b.fc1);
      const half = hidden.length / 2;
      const active =
        mlp === "swiglu"
          ? hidden.slice(0, half).map((g, i) => (g / (1 + Math.exp(-g))) * hidden[half + i]!)
          : hidden.map(activations[mlp]);
      return add(token, linear(active, b.fc2), b.scale2);
    });
    return x;
  });
}

/** The patches of `pixels` [3, height, width] times `kernel` [d, 3, p, p], row by row. */
export function plainPatches(
  pixels: Float32Array,
  [height, width]: readonly [number, number],
  kernel: Float32Array,
  [d, p]: readonly [number, number],
  bias?: Float32Array,
): Rows {
  const tokens: Rows = [];
  for (let top = 0; top + p <= height; top += p) {
    for (let left = 0; left + p <= width; left += p) {
      tokens.push(
        Array.from({ length: d }, (_, out) => {
          let sum = bias?.[out] ?? 0;
          for (let c = 0; c < 3; c++) {
            for (let y = 0; y < p; y++) {
              for (let x = 0; x < p; x++) {
                sum +=
                  kernel[((out * 3 + c) * p + y) * p + x]! *
                  pixels[(c * height + top + y) * width + left + x]!;
              }
            }
          }
          return sum;
        }),
      );
    }
  }
  return tokens;
}

/** Layer norm of one token. */
export function norm(x: number[], [gain, shift]: Pair, eps: number): number[] {
  const mean = x.reduce((a, b) => a + b, 0) / x.length;
  const variance = x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length;
  return x.map((v, i) => ((v - mean) / Math.sqrt(variance + eps)) * gain[i]! + shift[i]!);
}

const linear = (x: number[], [weight, bias]: Pair): number[] =>
  Array.from(bias, (b, row) => x.reduce((sum, v, i) => sum + v * weight[row * x.length + i]!, b));

const add = (x: number[], branch: number[], scale: Float32Array | undefined): number[] =>
  x.map((v, i) => v + branch[i]! * (scale?.[i] ?? 1));

function attention(qkv: Rows, d: number, headWidth: number, causal: boolean): Rows {
  return qkv.map((token, at) => {
    const seen = causal ? qkv.slice(0, at + 1) : qkv;
    const out: number[] = [];
    for (let head = 0; head < d; head += headWidth) {
      const dot = (other: number[]) => {
        let sum = 0;
        for (let i = head; i < head + headWidth; i++) sum += token[i]! * other[d + i]!;
        return sum / Math.sqrt(headWidth);
      };
      const scores = seen.map(dot);
      const largest = Math.max(...scores);
      const powers = scores.map((s) => Math.exp(s - largest));
      const total = powers.reduce((a, b) => a + b, 0);
      for (let i = head; i < head + headWidth; i++) {
        out.push(seen.reduce((sum, other, t) => sum + (powers[t]! / total) * other[2 * d + i]!, 0));
      }
    }
    return out;
  });
}

/** Φ(x) by its series, exact to float64's rounding for |x| < 8. */
function normalCdf(x: number): number {
  if (x < -8) return 0;
  if (x > 8) return 1;
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum) && n < 400; n++) {
    term *= (x * x) / (2 * n + 1);
    sum += term;
  }
  return 0.5 + (sum * Math.exp(-(x * x) / 2)) / Math.sqrt(2 * Math.PI);
}
