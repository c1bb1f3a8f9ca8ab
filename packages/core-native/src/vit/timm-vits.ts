import { readFileSync } from "node:fs";

/** Arguments that timm builds a model with; `kind` is "vit" for its VisionTransformer, "eva" for its Eva. */
export type TimmArguments = Readonly<Record<string, unknown>> & { readonly kind: "vit" | "eva" };

let table: Readonly<Record<string, TimmArguments>> | undefined;

/**
 * What timm's sources say of one of its vision transformers: `data/timm-vits.json`, which scripts/timm-table.py writes.
 * @param name with or without the tag of its weights ("vit_base_patch16_224.mae").
 */
export function timmVit(name: string): TimmArguments | undefined {
  table ??= (
    JSON.parse(readFileSync(new URL("../../data/timm-vits.json", import.meta.url), "utf8")) as {
      models: Record<string, TimmArguments>;
    }
  ).models;
  const plain = name.split(".")[0]!;
  return Object.hasOwn(table, plain) ? table[plain] : undefined;
}
