import { sizesOf, type TinyClip, type Weights } from "./tiny-clip.js";

type Rows = number[][];

/**
 * The formula of open_clip's vision tower in float64, one token and one head at a time: what `ViT.record` is tested
 * against. @returns for each block, its output [tokens][width] for one image `pixels` [3, height, width].
 */
export function plainClip(config: TinyClip, weights: Weights, pixels: Float32Array): Rows[] {
  const { vision } = config;
  const { height, width, d } = sizesOf(config);
  const get = (name: string) => weights.get(`visual.${name}`)!.data;
  const eps = ((vision.norm_kwargs as { eps?: number } | undefined)?.eps ?? 1e-5) as number;
  const norm = (x: number[], name: string): number[] => {
    const gain = get(`${name}.weight`);
    const shift = get(`${name}.bias`);
    const mean = x.reduce((a, b) => a + b, 0) / d;
    const variance = x.reduce((a, b) => a + (b - mean) ** 2, 0) / d;
    return x.map((v, i) => ((v - mean) / Math.sqrt(variance + eps)) * gain[i]! + shift[i]!);
  };
  const linear = (x: number[], weight: Float32Array, bias: Float32Array): number[] =>
    Array.from(bias, (b, row) => x.reduce((sum, v, i) => sum + v * weight[row * x.length + i]!, b));

  const p = vision.patch_size;
  const kernel = get("conv1.weight");
  const position = get("positional_embedding");
  const tokens: Rows = [[...get("class_embedding")]];
  for (let top = 0; top + p <= height; top += p) {
    for (let left = 0; left + p <= width; left += p) {
      tokens.push(
        Array.from({ length: d }, (_, out) => {
          let sum = 0;
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
  let x = tokens.map((token, t) => token.map((v, i) => v + position[t * d + i]!));
  if (!vision.no_ln_pre) x = x.map((token) => norm(token, "ln_pre"));

  const outputs: Rows[] = [];
  for (let layer = 0; layer < vision.layers; layer++) {
    const at = `transformer.resblocks.${layer}`;
    const scaled = (branch: number[], name: string): number[] => {
      const gamma = weights.get(`visual.${at}.${name}.gamma`)?.data;
      return gamma ? branch.map((v, i) => v * gamma[i]!) : branch;
    };
    const qkv = x.map((token) =>
      linear(norm(token, `${at}.ln_1`), get(`${at}.attn.in_proj_weight`), get(`${at}.attn.in_proj_bias`)),
    );
    const attended = attention(qkv, d, vision.head_width);
    x = x.map((token, t) => {
      const branch = linear(attended[t]!, get(`${at}.attn.out_proj.weight`), get(`${at}.attn.out_proj.bias`));
      return token.map((v, i) => v + scaled(branch, "ls_1")[i]!);
    });
    x = x.map((token) => {
      const hidden = linear(
        norm(token, `${at}.ln_2`),
        get(`${at}.mlp.c_fc.weight`),
        get(`${at}.mlp.c_fc.bias`),
      );
      const active = hidden.map((v) =>
        config.quickGelu ? v / (1 + Math.exp(-1.702 * v)) : v * normalCdf(v),
      );
      const branch = linear(active, get(`${at}.mlp.c_proj.weight`), get(`${at}.mlp.c_proj.bias`));
      return token.map((v, i) => v + scaled(branch, "ls_2")[i]!);
    });
    outputs.push(x);
  }
  return outputs;
}

function attention(qkv: Rows, d: number, headWidth: number): Rows {
  return qkv.map((token) => {
    const out: number[] = [];
    for (let head = 0; head < d; head += headWidth) {
      const dot = (other: number[]) => {
        let sum = 0;
        for (let i = head; i < head + headWidth; i++) sum += token[i]! * other[d + i]!;
        return sum / Math.sqrt(headWidth);
      };
      const scores = qkv.map(dot);
      const largest = Math.max(...scores);
      const powers = scores.map((s) => Math.exp(s - largest));
      const total = powers.reduce((a, b) => a + b, 0);
      for (let i = head; i < head + headWidth; i++) {
        out.push(qkv.reduce((sum, other, t) => sum + (powers[t]! / total) * other[2 * d + i]!, 0));
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
