import { createRequire } from "node:module";

/** A config as TOML, as `--config` reads it: unions carry their `kind`. */
export function configToml(config: object): string {
  const toml = createRequire(import.meta.url)("smol-toml") as typeof import("smol-toml");
  return `${toml.stringify(config).trimEnd()}\n`;
}

/**
 * A value as JSON. JSON has no infinities: they are written as 1e999 and -1e999, which JSON's grammar allows and
 * every reader of float64 turns back into infinities.
 */
export function configJson(value: unknown): string {
  const mark = "\u0000inf";
  const text = JSON.stringify(
    value,
    (_, v: unknown) => (v === Infinity ? mark : v === -Infinity ? `-${mark}` : v),
    2,
  );
  return `${text.replaceAll(/"(-?)\\u0000inf"/g, "$11e999")}\n`;
}
