import { readFileSync } from "node:fs";
import { recognise } from "../vit/families.js";
import { JsonReader } from "../vit/json-reader.js";

/** Where weights of a pretrained tag are and how its images are prepared. */
export interface PretrainedTag {
  /** Repository of the hub. */
  readonly repo: string;
  /** A file in it other than open_clip's usual ones. */
  readonly file?: string;
  /** Where else the weights were published. */
  readonly url?: string;
  /** What lies at `url`: OpenAI published TorchScript archives. */
  readonly url_format?: "torchscript" | "state_dict";
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  readonly interpolation: "bicubic" | "bilinear";
  readonly resize_mode: "shortest" | "squash";
  /** Whether it was trained with x·sigmoid(1.702 x) for GELU. */
  readonly quick_gelu: boolean;
}

/** Size of a vision tower. */
export interface Tower {
  readonly image_size: number;
  readonly patch_size: number;
  readonly d_vit: number;
  readonly layers: number;
  readonly heads: number;
  /** Width of an MLP's hidden layer. */
  readonly hidden: number;
  readonly cls_token: boolean;
  /** Name of the timm model that it is; absent for open_clip's own ViT. */
  readonly timm?: string;
  /** timm's name of the activation where it is not the exact GELU. */
  readonly act?: string;
}

export interface Architecture {
  readonly quick_gelu: boolean;
  readonly embed_dim: number;
  readonly tower: Tower;
  /** As open_clip's own config writes it. */
  readonly vision_cfg: Readonly<Record<string, unknown>>;
  readonly text_cfg: Readonly<Record<string, unknown>>;
}

export interface OpenClipTable {
  /** Releases that the table was generated from. */
  readonly open_clip: string;
  readonly timm: string;
  readonly architectures: Readonly<Record<string, Architecture>>;
  /** Architecture → tag → where and how. */
  readonly pretrained: Readonly<Record<string, Readonly<Record<string, PretrainedTag>>>>;
  /** Architectures of open_clip that are no plain ViTs. */
  readonly notVits: readonly string[];
}

/** Every ViT of open_clip and its pretrained tags: `data/open-clip.json`, which scripts/open-clip-table.py writes. */
export function openClipTable(): OpenClipTable {
  table ??= read();
  return table;
}
let table: OpenClipTable | undefined;

function read(): OpenClipTable {
  const text = readFileSync(new URL("../../data/open-clip.json", import.meta.url), "utf8");
  const { not_vits: notVits, ...others } = JSON.parse(text);
  return { ...others, notVits };
}

/** Tags are compared as open_clip compares them. */
export const cleanTag = (tag: string): string => tag.toLowerCase().replaceAll("-", "_");

/**
 * The `open_clip_config.json` of a pretrained tag, as open_clip puts it together: the architecture's config, the tag's
 * preprocessing. Quick GELU is on when either says so: open_clip only warns when a tag was trained with it and the
 * architecture's name does not say so, and then computes something else than the weights were trained for.
 */
export function openClipConfigOf(architecture: Architecture, tag: PretrainedTag): object {
  const { mean, std, interpolation, resize_mode } = tag;
  return {
    model_cfg: {
      embed_dim: architecture.embed_dim,
      quick_gelu: architecture.quick_gelu || tag.quick_gelu,
      vision_cfg: architecture.vision_cfg,
      text_cfg: architecture.text_cfg,
    },
    preprocess_cfg: { mean, std, interpolation, resize_mode },
  };
}

/** The family that runs an architecture; "clip" where none does, whose error says why. */
export function familyOfTag(architecture: string): string {
  const { vision_cfg } = openClipTable().architectures[architecture]!;
  const config = JsonReader.parse(JSON.stringify({ model_cfg: { vision_cfg } }), architecture);
  return recognise(config)?.name ?? "clip";
}
