import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { SaevError } from "../errors.js";
import type { Addon } from "./addon.js";

let loaded: Addon | undefined;

/** The addon, loaded at the first call that needs it: importing this package alone costs no libtorch. */
export function addon(): Addon {
  loaded ??= load();
  return loaded;
}

function load(): Addon {
  const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
  const file = path.join(root, "build", "cpu", "saev.node");
  if (!existsSync(file)) {
    throw new SaevError("ADDON_LOAD", `no addon at ${file}; build it with: npx nx run core-native:build:cpu`);
  }
  return createRequire(import.meta.url)(file) as Addon;
}
