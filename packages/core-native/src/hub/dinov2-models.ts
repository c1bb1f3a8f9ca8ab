/** One of the pretrained models that dinov2's hubconf names. */
export interface Dinov2Model {
  /** Where its backbone's weights are. */
  readonly url: string;
  readonly dVit: number;
  readonly layers: number;
  readonly heads: number;
  readonly registers: number;
  readonly swiglu: boolean;
}

const sizes = {
  s: { dVit: 384, layers: 12, heads: 6, swiglu: false },
  b: { dVit: 768, layers: 12, heads: 12, swiglu: false },
  l: { dVit: 1024, layers: 24, heads: 16, swiglu: false },
  g: { dVit: 1536, layers: 40, heads: 24, swiglu: true },
} as const;

/** Patch side, and the side that positions are stored for; another side interpolates them. */
export const dinov2PatchSize = 14;
export const dinov2PositionsSide = 518;

/** Name, as torch.hub knows it, to model. Weights: `<name without _reg>/<name>_pretrain.pth`, 4 registers as `_reg4`. */
export const dinov2Models: Readonly<Record<string, Dinov2Model>> = Object.fromEntries(
  Object.entries(sizes).flatMap(([letter, size]) =>
    [0, 4].map((registers) => {
      const base = `dinov2_vit${letter}14`;
      const file = `${base}${registers ? "_reg4" : ""}_pretrain.pth`;
      const url = `https://dl.fbaipublicfiles.com/dinov2/${base}/${file}`;
      return [`${base}${registers ? "_reg" : ""}`, { url, registers, ...size }];
    }),
  ),
);
