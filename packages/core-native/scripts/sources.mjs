// Lets the build scripts use src/ before anything is compiled: how libtorch is found is written once, in TypeScript.
import { register } from "node:module";

register("../../../scripts/source/hooks.mjs", import.meta.url);

export const { findLibtorch } = await import("../src/libtorch/find.ts");
export const { fetchLibtorch } = await import("../src/libtorch/fetch.ts");
export const { flavours, flavourNames, isFlavour } = await import("../src/libtorch/flavours.ts");
