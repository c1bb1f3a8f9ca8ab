import { stat } from "node:fs/promises";
import path from "node:path";
import { SaevError } from "../errors.js";
import { isImageName } from "../images/decode.js";
import type { ImageDataset } from "../images/image-dataset.js";
import { byCodePoint } from "../images/order.js";

/**
 * Pictures of one folder, or those that a pattern finds (`*`, `?`, `[…]`, `{a,b}`, `**` for folders in folders), in order of
 * their paths. The label is the folder that a picture lies in, seen from the part of the pattern before the first wildcard;
 * pictures that lie in that part itself have none.
 */
export class GlobImages implements ImageDataset {
  private constructor(
    readonly root: string,
    readonly classes: readonly string[],
    readonly files: readonly string[],
  ) {}

  /** @throws SaevError `NOT_FOUND` when there is no picture. */
  static async open(pattern: string): Promise<GlobImages> {
    const there = await stat(pattern).catch(() => undefined);
    // What is there under just this name is meant, whatever characters the name has.
    const folder = there?.isDirectory() ? pattern : undefined;
    const root = folder ?? fixedPart(pattern).root;
    const found = folder === undefined ? await globFiles(pattern) : await matches(folder, ["*"]);
    const files = found.filter(isImageName).sort(byCodePoint((file) => file));
    if (files.length === 0) {
      const what =
        found.length > 0 ? `${found.length} other files` : there || folder ? "none" : "nothing there";
      throw new SaevError(
        "NOT_FOUND",
        `${pattern}: expected pictures, found ${what}; write ${path.join(pattern, "**/*")} for folders in folders`,
      );
    }
    const labels = new Set(files.map((file) => labelOf(root, file)).filter((label) => label !== ""));
    return new GlobImages(root, [...labels].sort(byCodePoint((label) => label)), files);
  }

  get length(): number {
    return this.files.length;
  }

  where(i: number): string {
    const file = this.files[i];
    if (file === undefined) throw new SaevError("INVALID_ARGUMENT", `${this.root}: there is no image ${i}`);
    return file;
  }

  async label(i: number): Promise<string> {
    return labelOf(this.root, this.where(i));
  }

  async image(i: number): Promise<string> {
    return this.where(i);
  }
}

const labelOf = (root: string, file: string): string =>
  path.relative(root, path.dirname(file)).split(path.sep).join("/");

/** Files that a pattern matches, in no particular order. `{000..015}` is counted through. */
export async function globFiles(pattern: string): Promise<string[]> {
  const { root, rest } = fixedPart(pattern);
  if (rest === "") return (await stat(pattern).catch(() => undefined))?.isFile() ? [pattern] : [];
  return matches(root, counted(rest));
}

async function matches(root: string, patterns: readonly string[]): Promise<string[]> {
  const { glob } = await import("tinyglobby");
  const found = await glob([...patterns], {
    cwd: root,
    onlyFiles: true,
    expandDirectories: false,
    dot: false,
  });
  return [...new Set(found)].map((name) => path.join(root, name));
}

/** The folders of a pattern before the first one with a wildcard, and what follows. */
function fixedPart(pattern: string): { root: string; rest: string } {
  const parts = pattern.split("/");
  const first = parts.findIndex((part) => /[*?[\]{}()!]/.test(part));
  if (first < 0) return { root: path.dirname(pattern), rest: "" };
  const root = parts.slice(0, first).join("/");
  return {
    root: root === "" ? (pattern.startsWith("/") ? "/" : ".") : root,
    rest: parts.slice(first).join("/"),
  };
}

/** `a{08..10}` as a08, a09, a10; at most 100,000 of them. */
export function counted(pattern: string): string[] {
  const [all, before, low, high, after] = /^(.*?)\{(\d+)\.\.(\d+)\}(.*)$/.exec(pattern) ?? [];
  if (all === undefined) return [pattern];
  const [from, to] = [Number(low), Number(high)];
  if (!(to >= from && to - from < 100_000))
    throw new SaevError(
      "INVALID_ARGUMENT",
      `${pattern}: expected a range such as {000..015}, found {${low}..${high}}`,
    );
  return Array.from({ length: to - from + 1 }, (_, i) => String(from + i).padStart(low!.length, "0")).flatMap(
    (n) => counted(`${before}${n}${after}`),
  );
}
