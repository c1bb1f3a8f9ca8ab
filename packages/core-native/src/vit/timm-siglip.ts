import type { NativeModelSizes } from "../native/vision-model.js";

/** What a timm SigLIP's name says of it: everything that its weights' shapes do not tell, and those too. */
export type TimmTrunk = Omit<NativeModelSizes, "height" | "width" | "head">;

const sizes = {
  base: { dVit: 768, nLayers: 12, heads: 12, mlpRatio: 4 },
  large: { dVit: 1024, nLayers: 24, heads: 16, mlpRatio: 4 },
  so400m: { dVit: 1152, nLayers: 27, heads: 16, mlpRatio: 3.7362 },
  giantopt: { dVit: 1536, nLayers: 40, heads: 16, mlpRatio: 4 },
} as const;

/**
 * The trunks that timm builds with the tanh GELU; all others have the exact one, SigLIP 2 or not. Published configs do
 * not say it, so it goes by the name.
 */
const tanhGelu = [
  /^base_patch32_256$/,
  /^large_patch16_512$/,
  /^so400m_patch16_\d+$/,
  /^giantopt_patch16_\d+$/,
];

const form = /^vit_(base|large|so400m|giantopt)_patch(\d+)_siglip(?:_gap)?_(\d+)(?:\..+)?$/;

/** The trunk behind a name such as "vit_base_patch16_siglip_224"; undefined for other names. */
export function timmSiglip(name: string): TimmTrunk | undefined {
  const [, size, patch, side] = form.exec(name) ?? [];
  if (size === undefined) return undefined;
  const { dVit, nLayers, heads, mlpRatio } = sizes[size as keyof typeof sizes];
  const tanh = tanhGelu.some((pattern) => pattern.test(`${size}_patch${patch}_${side}`));
  return {
    patchHeight: Number(patch),
    patchWidth: Number(patch),
    nLayers,
    dVit,
    heads,
    hidden: Math.trunc(dVit * mlpRatio),
    eps: timmEps,
    gelu: tanh ? "tanh" : "erf",
  };
}

/** Of every layer norm in timm's ViTs. */
export const timmEps = 1e-6;
