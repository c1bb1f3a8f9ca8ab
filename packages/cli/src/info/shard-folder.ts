import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { metadataHash, parseMetadata } from "@saev/config";
import { CommandError } from "../errors.js";
import { amount, bytes, count } from "../text.js";
import type { Info } from "./info.js";

/** What a shard folder holds, and whether its files are those that its metadata asks for. */
export function shardFolderInfo(folder: string): Info {
  const file = path.join(folder, "metadata.json");
  const metadata = parseMetadata(readJson(file), { where: file });
  const { layers, n_patches_per_img, cls_token, d_vit, n_imgs, n_patches_per_shard } = metadata;
  const tokens = n_patches_per_img + (cls_token ? 1 : 0);
  const imagesPerShard = layers.length > 0 ? Math.floor(n_patches_per_shard / layers.length / tokens) : 0;
  const expected = imagesPerShard > 0 ? Math.ceil(n_imgs / imagesPerShard) : 0;
  const shardBytes = imagesPerShard * layers.length * tokens * d_vit * Float32Array.BYTES_PER_ELEMENT;
  const shards = readdirSync(folder)
    .filter((name) => /^acts\d+\.bin$/.test(name))
    .sort()
    .map((name) => ({ name, bytes: statSync(path.join(folder, name)).size }));
  const total = shards.reduce((sum, shard) => sum + shard.bytes, 0);
  const hash = metadataHash(metadata);
  const problems = [
    ...(imagesPerShard === 0 ? ["a shard has no room for one image: n_patches_per_shard is too small"] : []),
    ...(shards.length < expected
      ? [
          `${expected} shard files were expected, ${shards.length} are there: the recording is not finished; run it again to go on`,
        ]
      : []),
    ...shards
      .filter((shard) => shard.bytes !== shardBytes)
      .map(({ name, bytes: found }) => `${name}: expected ${count(shardBytes)} bytes, found ${count(found)}`),
    ...(hash !== path.basename(path.resolve(folder))
      ? [`the folder's name is not the hash of its metadata (${hash})`]
      : []),
  ];
  return {
    title: "shard folder",
    lines: [
      ["model", `${metadata.vit_family} ${metadata.vit_ckpt}`],
      ["data", metadata.data],
      ["images", count(n_imgs)],
      ["layers", layers.join(", ")],
      [
        "tokens",
        `${amount(tokens, "token")} an image (${amount(n_patches_per_img, "patch", "patches")}${cls_token ? " and CLS" : ", no CLS"})`,
      ],
      ["d_vit", String(d_vit)],
      ["activations", count(n_imgs * layers.length * tokens)],
      [
        "shards",
        `${shards.length} of ${expected}${shards.length > expected ? " needed" : ""}, ${amount(imagesPerShard, "image")} each`,
      ],
      ["size", bytes(total)],
      ["seed", String(metadata.seed)],
    ],
    json: {
      kind: "shard-folder",
      path: folder,
      metadata,
      hash,
      tokens_per_image: tokens,
      images_per_shard: imagesPerShard,
      shards_expected: expected,
      shards,
      bytes: total,
      complete: shards.length >= expected,
    },
    problems,
  };
}

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
