// npm run format: rewrites what `npm test` would find fault with.
import { clangFormat, nativeSources } from "./setup/native-sources.mjs";
import { run } from "./setup/step.mjs";

run(process.execPath, ["node_modules/@biomejs/biome/bin/biome", "check", "--write", "."], { what: "Biome" });
run(clangFormat(), ["-i", "--style=file", ...nativeSources()], { what: "clang-format" });
