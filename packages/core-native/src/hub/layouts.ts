/** Files of a model that belong together, in a folder or a repository. */
export interface Layout {
  /** The config's name; absent where the weights say everything. */
  readonly config?: string | undefined;
  /** Names of the weights, the first that is there is taken. */
  readonly weights: readonly string[];
  /** Fetched along when they are there. */
  readonly extra?: readonly string[];
}

export const layouts = {
  /** As open_clip pushes models to the hub. */
  openClip: {
    config: "open_clip_config.json",
    weights: ["open_clip_model.safetensors", "open_clip_pytorch_model.bin"],
  },
  /** As Hugging Face transformers and timm do. */
  transformers: {
    config: "config.json",
    weights: ["model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"],
    extra: ["preprocessor_config.json"],
  },
} as const satisfies Readonly<Record<string, Layout>>;

/** Layouts that a family reads; all of them for no family in particular. */
export function layoutsOf(family: string | undefined): readonly Layout[] {
  return family === "clip" || family === "siglip"
    ? [layouts.openClip]
    : [layouts.openClip, layouts.transformers];
}
