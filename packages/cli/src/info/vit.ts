import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import path from "node:path";
import { CommandError } from "../errors.js";
import { amount, bytes, count } from "../text.js";
import type { Info } from "./info.js";
import { readJson } from "./shard-folder.js";

interface VisionConfig {
  readonly image_size?: number;
  readonly layers?: number;
  readonly width?: number;
  readonly head_width?: number;
  readonly patch_size?: number;
  readonly timm_model_name?: string;
}

/** A model folder in the open_clip layout: what saev needs to know to record with it. */
export function vitInfo(folder: string): Info {
  const configFile = path.join(folder, "open_clip_config.json");
  const weightsFile = path.join(folder, "open_clip_model.safetensors");
  const problems = [configFile, weightsFile]
    .filter((file) => !existsSync(file))
    .map((file) => `${path.basename(file)} is missing`);
  const config = existsSync(configFile) ? (readJson(configFile) as Record<string, unknown> | null) : {};
  const model = (config?.model_cfg ?? {}) as { vision_cfg?: VisionConfig; quick_gelu?: boolean };
  const vision = model.vision_cfg ?? {};
  const { image_size: size, patch_size: patch, width, layers, timm_model_name: timm } = vision;
  const side = size !== undefined && patch !== undefined ? Math.floor(size / patch) : undefined;
  const family = timm === undefined ? "clip" : "siglip";
  const tensors = existsSync(weightsFile) ? safetensorsHeader(weightsFile) : [];
  const parameters = tensors.reduce((sum, { size: n }) => sum + n, 0);
  const dtypes = [...new Set(tensors.map(({ dtype }) => dtype))].sort().join(", ");
  const known = (value: number | undefined): string => (value === undefined ? "unknown" : count(value));
  return {
    title: `${family} vision transformer, open_clip layout`,
    lines: [
      ["image", size === undefined ? "unknown" : `${size} × ${size}`],
      ["patches", side === undefined ? "unknown" : `${side * side} of ${patch} × ${patch}`],
      ["blocks", known(layers)],
      ["d_vit", known(width)],
      ...(vision.head_width && width ? [["heads", String(width / vision.head_width)] as const] : []),
      ...(timm === undefined
        ? [["gelu", model.quick_gelu === true ? "quick" : "exact"] as const]
        : [["timm", timm] as const]),
      [
        "weights",
        `${amount(tensors.length, "tensor")}, ${count(parameters)} parameters, ${dtypes || "none"}`,
      ],
      ...(existsSync(weightsFile) ? [["size", bytes(statSync(weightsFile).size)] as const] : []),
      ...(side !== undefined && width !== undefined && timm === undefined
        ? [
            [
              "record with",
              `--vit-family clip --vit-ckpt ${folder} --d-vit ${width} --n-patches-per-img ${side * side}`,
            ] as const,
          ]
        : []),
    ],
    json: {
      kind: "vit",
      path: folder,
      family,
      config,
      patches_per_image: side === undefined ? null : side * side,
      n_tensors: tensors.length,
      parameters,
      dtypes: dtypes.split(", ").filter((d) => d !== ""),
    },
    problems,
  };
}

/** Names, dtypes and sizes from the header of a safetensors file. @throws CommandError BAD_FILE. */
function safetensorsHeader(file: string): { name: string; dtype: string; size: number }[] {
  const bad = (found: string) =>
    new CommandError("BAD_FILE", `${file}: expected safetensors, found ${found}`);
  const total = statSync(file).size;
  const descriptor = openSync(file, "r");
  try {
    const length = Buffer.alloc(8);
    if (readSync(descriptor, length, 0, 8, 0) < 8) throw bad(`${total} bytes`);
    const headerBytes = length.readBigUInt64LE(0);
    if (headerBytes > BigInt(Math.min(total - 8, 1 << 28)))
      throw bad(`a header of ${headerBytes} bytes in a file of ${total}`);
    const text = Buffer.alloc(Number(headerBytes));
    readSync(descriptor, text, 0, text.length, 8);
    const header = JSON.parse(text.toString("utf8")) as Record<string, { dtype: string; shape: number[] }>;
    return Object.entries(header)
      .filter(([name]) => name !== "__metadata__")
      .map(([name, { dtype, shape }]) => ({ name, dtype, size: shape.reduce((n, d) => n * d, 1) }));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) throw bad("a damaged header");
    throw error;
  } finally {
    closeSync(descriptor);
  }
}
