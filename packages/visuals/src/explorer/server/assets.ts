import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { SaevError } from "@saev/core";
import { Hono } from "hono";

/** Where what was built lies: below `dist`, which is beside `src` and holds this file when it is compiled. */
const dist = fileURLToPath(new URL("../../../dist", import.meta.url));

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

/**
 * The page's files by address, read once: what is not among them does not exist, whatever the address.
 * @param built `page`: in several scripts, of which a browser loads what it needs; `page-whole`: with all its code in one.
 * @throws SaevError `NOT_FOUND` when the page was not built.
 */
export function pageFiles(built: "page" | "page-whole" = "page"): ReadonlyMap<string, Uint8Array> {
  const folder = path.join(dist, built);
  let names: string[];
  try {
    names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  } catch (cause) {
    throw new SaevError(
      "NOT_FOUND",
      `the explorer's page is not built (${folder}): run npm run setup in the repository, or install @saev/visuals again`,
      { cause },
    );
  }
  return new Map(
    names
      .filter((name) => path.extname(name) in types)
      .map((name) => [`/${name.split(path.sep).join("/")}`, readFileSync(path.join(folder, name))]),
  );
}

export function assetRoutes(files: ReadonlyMap<string, Uint8Array>): Hono {
  return new Hono().get("*", (c) => {
    const name = c.req.path === "/" ? "/index.html" : c.req.path;
    const bytes = files.get(name);
    if (!bytes) return c.notFound();
    const type = types[path.extname(name)]!;
    // Everything but the page itself has a digest in its name.
    c.header("Cache-Control", name === "/index.html" ? "no-cache" : "public, max-age=31536000, immutable");
    return c.body(bytes as Uint8Array<ArrayBuffer>, 200, { "Content-Type": type });
  });
}
