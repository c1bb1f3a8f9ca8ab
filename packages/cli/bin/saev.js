#!/usr/bin/env node
import { existsSync } from "node:fs";

const main = new URL("../dist/bin.js", import.meta.url);
if (existsSync(main)) await import(main.href);
else {
  process.stderr.write(
    "saev: its TypeScript is not compiled yet; run: npx tsc -b (at the repository's root)\n",
  );
  process.exitCode = 1;
}
