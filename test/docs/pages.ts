import { readdirSync } from "node:fs";
import path from "node:path";
import { root } from "../e2e/saev.js";

/** Whose blocks other tests run, with more around them. */
export const elsewhere: Readonly<Record<string, string>> = {
  "docs/datasets.md": "test/e2e/datasets.test.ts",
  "docs/models.md": "test/e2e/models.test.ts",
  "packages/config/README.md": "packages/config/src/readme.test.ts",
};

/** All pages that people read, from the repository's root. What `npm run docs` generates is not among them. */
export const pages: readonly string[] = [
  "README.md",
  "CONTRIBUTING.md",
  "ARCHITECTURE.md",
  ...["config", "core-native", "visuals", "cli"].map((name) => `packages/${name}/README.md`),
  ...readdirSync(path.join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md") && !name.startsWith("reference"))
    .map((name) => path.join("docs", name))
    .toSorted(),
];
