import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { CommandError } from "../errors.js";
import { amount, bytes, count } from "../text.js";
import type { Info } from "./info.js";

/** What a shard folder holds, and whether its files are those that its metadata asks for. */
export async function shardFolderInfo(folder: string): Promise<Info> {
  const { ShardFolder } = await import("@saev/core");
  const recorded = await ShardFolder.open(folder);
  const {
    metadata,
    imagesPerShard,
    nShards: expected,
    bytesPerShard,
    tokensPerImage: tokens,
    holes,
    protocol21,
    hash,
  } = recorded;
  const { layers, n_patches_per_img, cls_token, d_vit, n_imgs } = metadata;
  const shards = readdirSync(folder)
    .filter((name) => /^acts\d+\.bin$/.test(name))
    .sort()
    .map((name) => ({ name, bytes: statSync(path.join(folder, name)).size }));
  const total = shards.reduce((sum, shard) => sum + shard.bytes, 0);
  const complete = recorded.complete && shards.length >= expected;
  const problems = [
    ...(recorded.complete
      ? []
      : [
          recorded.parts.length > 0
            ? `not finished: ${recorded.unfinished}`
            : `not finished: ${count(recorded.imagesDone)} of ${count(n_imgs)} images are recorded; run the same saev activations again to go on`,
        ]),
    ...(recorded.complete && shards.length < expected
      ? [`expected ${amount(expected, "shard file")}, found ${count(shards.length)}`]
      : []),
    ...shards
      .filter((shard, i) => !recorded.sizeFits(i, shard.bytes))
      .map(
        ({ name, bytes: found }) => `${name}: expected ${count(bytesPerShard)} bytes, found ${count(found)}`,
      ),
    ...(holes.length > 0
      ? [
          `${amount(holes.length, "image")} could not be read and ${holes.length === 1 ? "is" : "are"} left out: ${listed(holes)}`,
        ]
      : []),
    ...(!recorded.hasOwnName ? [`the folder's name is not the hash of its metadata (${hash})`] : []),
  ];
  return {
    title: "shard folder",
    lines: [
      ["model", `${metadata.vit_family} ${metadata.vit_ckpt}`],
      ["layout", protocol21 ? "the Python package's present one, protocol 2.1" : "the document's"],
      ["data", protocol21 ? protocol21.dataset : metadata.data],
      ["images", count(n_imgs)],
      ["layers", layers.join(", ")],
      [
        "tokens",
        `${amount(tokens, "token")} an image (${amount(n_patches_per_img, "patch", "patches")}${cls_token ? " and CLS" : ", no CLS"})`,
      ],
      ["d_vit", String(d_vit)],
      ...(recorded.layout.dtype === "float32" ? [] : [["stored as", recorded.layout.dtype] as const]),
      ...(recorded.computeDtype ? [["computed in", recorded.computeDtype] as const] : []),
      ["activations", count(n_imgs * layers.length * tokens)],
      [
        "shards",
        `${shards.length} of ${expected}${shards.length > expected ? " needed" : ""}, ${amount(imagesPerShard, "image")} each`,
      ],
      ["size", bytes(total)],
      ...(protocol21 ? [] : [["seed", String(metadata.seed)] as const]),
    ],
    json: {
      kind: "shard-folder",
      path: folder,
      format: recorded.format,
      metadata: protocol21 ?? metadata,
      hash,
      tokens_per_image: tokens,
      images_per_shard: imagesPerShard,
      shards_expected: expected,
      shards,
      bytes: total,
      complete,
      images_done: recorded.imagesDone,
      holes,
      dtype: recorded.layout.dtype,
      compute_dtype: recorded.computeDtype ?? null,
    },
    problems,
  };
}

const listed = (images: readonly number[]): string =>
  images.length > 10 ? `${images.slice(0, 10).join(", ")}, …` : images.join(", ");

/** The parsed content of a JSON file. @throws CommandError BAD_FILE. */
export function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== undefined) throw error;
    throw new CommandError("BAD_FILE", `${file}: expected JSON, found ${(error as Error).message}`);
  }
}
