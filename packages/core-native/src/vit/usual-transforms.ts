import type { Transform } from "../images/transform.js";

const square = (side: number) => ({ resizeHeight: side, resizeWidth: side, height: side, width: side });
const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
const half = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } as const;

/** What OpenAI's CLIP does: the shorter side to 224, the middle. */
export const clipTransform: Transform = {
  mode: "shortest",
  ...square(224),
  filter: "bicubic",
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
};

/** What SigLIP and Perception Encoder do: both sides to the size, nothing is cut off. */
export const squashTransform: Transform = { mode: "squash", ...square(224), filter: "bicubic", ...half };

/** What the Python package does to a picture for dinov2: both sides to 256, the middle 224 cut out. */
export const dinov2Transform: Transform = {
  ...{ mode: "squash", resizeHeight: 256, resizeWidth: 256, height: 224, width: 224, filter: "bilinear" },
  ...imagenet,
  reciprocal: true, // it goes through torchvision's v2
};

/** What transformers does for DINOv3. */
export const dinov3Transform: Transform = {
  ...{ mode: "squash", ...square(224), filter: "bilinear", ...imagenet },
  ...{ cropDown: true, unrounded: true, reciprocal: true },
};

/** What transformers does for ViT. */
export const vitTransform: Transform = {
  ...{ mode: "squash", ...square(224), filter: "bilinear", ...half },
  cropDown: true,
};
