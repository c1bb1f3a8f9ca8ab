import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import path from "node:path";
import type { ModelDescription, Transform } from "@saev/core";
import { CommandError } from "../errors.js";
import { amount, bytes, count } from "../text.js";
import type { Info } from "./info.js";
import { noteOf, sizeOf } from "./tensor-file.js";

/** Files of a model: its config, and its weights, of which the first that is there counts. */
const layouts = [
  {
    name: "open_clip layout",
    config: "open_clip_config.json",
    weights: ["open_clip_model.safetensors", "open_clip_pytorch_model.bin"],
  },
  { name: "dinov2's own layout", config: "config.json", weights: ["model.pth"] },
  {
    name: "layout of transformers or timm",
    config: "config.json",
    weights: ["model.safetensors", "pytorch_model.bin"],
  },
] as const;

interface Weight {
  readonly dtype: string;
  readonly size: number;
}

/** A model folder: what saev needs to know to record with it. */
export async function vitInfo(folder: string): Promise<Info> {
  const { describeModel, resolveModel, SaevError } = await import("@saev/core");
  const at = (name: string): string => path.join(folder, name);
  const layout =
    layouts.find(
      ({ config, weights }) =>
        existsSync(at(config)) &&
        weights.some((f) => [f, `${f}.index.json`].some((name) => existsSync(at(name)))),
    ) ??
    layouts.find(({ config, weights }) => [config, ...weights].some((f) => existsSync(at(f)))) ??
    layouts[0];
  const config = at(layout.config);
  // As loading finds them: shards and names of the user's own included.
  const { weights }: { readonly weights: readonly string[] } = await resolveModel(
    undefined,
    path.resolve(folder),
    { offline: true },
  ).catch((error) => {
    if (!(error instanceof SaevError)) throw error;
    return { weights: layout.weights.map(at).filter((file) => existsSync(file)) };
  });
  const problems = [config, ...(weights.length === 0 ? [at(layout.weights[0])] : [])]
    .filter((file) => !existsSync(file))
    .map((file) => `${path.basename(file)} is missing`);

  let model: (ModelDescription & { readonly family: string }) | undefined;
  const text = existsSync(config) ? readFileSync(config, "utf8") : undefined;
  try {
    if (text !== undefined) {
      model = describeModel({ text, from: config });
      if (!model) problems.push(`${layout.config} is that of no model that saev knows`);
    }
  } catch (error) {
    if (!(error instanceof SaevError)) throw error;
    if (error.code === "BAD_FILE") throw new CommandError("BAD_FILE", error.message);
    problems.push(error.message);
  }
  const tensors = await weightsOf(weights);
  const parameters = tensors.reduce((sum, { size }) => sum + size, 0);
  const dtypes = [...new Set(tensors.map(({ dtype }) => dtype))].sort();
  return {
    title: `${model?.family ?? "unknown"} vision transformer, ${layout.name}`,
    lines: [
      ...(model ? linesOf(model) : []),
      [
        "weights",
        `${amount(tensors.length, "tensor")}, ${count(parameters)} parameters, ${dtypes.join(", ") || "none"}`,
      ],
      ...(weights.length === 0 ? [] : [["size", sizeText(weights)] as const]),
      ...(model ? [["record with", flagsOf(model, folder)] as const] : []),
    ],
    json: {
      kind: "vit",
      path: folder,
      family: model?.family ?? null,
      config: text === undefined ? {} : JSON.parse(text),
      model: model ?? null,
      patches_per_image: model?.nPatches ?? null,
      n_tensors: tensors.length,
      parameters,
      dtypes,
    },
    problems,
  };
}

function sizeText(files: readonly string[]): string {
  const size = bytes(files.reduce((sum, file) => sum + statSync(file).size, 0));
  return files.length > 1 ? `${size} in ${amount(files.length, "file")}` : size;
}

function linesOf(model: ModelDescription): (readonly [string, string])[] {
  const { transform, nPatches, nRegisters } = model;
  return [
    ["image", `${transform.width} × ${transform.height}`],
    ["transform", transformText(transform)],
    ["patches", `${count(nPatches)} of ${model.patchWidth} × ${model.patchHeight}`],
    [
      "other tokens",
      `${model.clsToken ? "CLS" : "no CLS"}${nRegisters > 0 ? `, ${amount(nRegisters, "register")} (never recorded)` : ""}`,
    ],
    ["blocks", count(model.nLayers)],
    ["d_vit", count(model.dVit)],
    ["heads", count(model.heads)],
    ["MLP", `${count(model.hidden)} wide, ${model.mlp}`],
  ];
}

/** What is done to a picture, in order. */
function transformText(t: Transform): string {
  const to = {
    squash: `both sides to ${t.resizeWidth} × ${t.resizeHeight}`,
    shortest: `shorter side to ${Math.min(t.resizeWidth, t.resizeHeight)}`,
    longest: `longer side to ${Math.max(t.resizeWidth, t.resizeHeight)} on black`,
  }[t.mode];
  const whole = t.mode !== "shortest" && t.width === t.resizeWidth && t.height === t.resizeHeight;
  const cut = whole ? "" : `, middle ${t.width} × ${t.height}`;
  return `${to} (${t.filter})${cut}, mean ${t.mean.join(", ")}, std ${t.std.join(", ")}`;
}

function flagsOf(model: ModelDescription & { readonly family: string }, folder: string): string {
  const cls = model.clsToken ? "" : " --no-cls-token";
  return `--vit-family ${model.family} --vit-ckpt ${folder} --d-vit ${model.dVit} --n-patches-per-img ${model.nPatches}${cls}`;
}

/** As safetensors calls them, so that a model reads the same in either format. */
const safetensorsNames: Readonly<Record<string, string>> = {
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
};

async function weightsOf(files: readonly string[]): Promise<Weight[]> {
  if (files.every((file) => file.endsWith(".safetensors"))) return files.flatMap(safetensorsHeader);
  const { TensorFile } = await import("@saev/core");
  using tensors = await TensorFile.openWeights(files);
  return tensors.names().map((name) => {
    using tensor = tensors.get(name);
    const { dtype, shape } = noteOf(name, tensor);
    return { dtype: safetensorsNames[dtype] ?? dtype, size: sizeOf(shape) };
  });
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
