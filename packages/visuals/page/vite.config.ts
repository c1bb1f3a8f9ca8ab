import path from "node:path";
import { defineConfig } from "vite";

const beside = (folder: string) => path.join(import.meta.dirname, "../dist", folder);

// Addresses are relative: the same files are served by `saev explore` and opened from disk after `saev export`.
export default defineConfig({
  base: "./",
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    outDir: "../dist/page",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    assetsInlineLimit: 0,
    rollupOptions: {
      output: [
        { dir: beside("page") },
        // A page from disk may load no module from beside it: all its code is one file.
        { dir: beside("page-whole"), inlineDynamicImports: true },
      ],
    },
  },
});
