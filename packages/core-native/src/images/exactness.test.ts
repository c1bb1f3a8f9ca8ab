/**
 * What docs/images.md says about each format, measured. `SAEV_UPDATE_DOCS=1 npx vitest run exactness` writes its table anew.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { markdownTable } from "../../../../test/markdown-table.js";
import { compareWithPillow, type RowDifference } from "./testing/compare.js";
import { hasPillow, runPillow } from "./testing/pillow.js";

const doc = path.resolve(import.meta.dirname, "../../../../docs/images.md");
const begin = "<!-- written by exactness.test.ts -->";
const end = "<!-- end of the table -->";

const versions = (pillow: string): string =>
  `Measured with Pillow ${pillow} and sharp ${sharp.versions.sharp} (libvips ${sharp.versions.vips}).`;

function difference({ max, mean, problems }: RowDifference): string {
  if (problems.length > 0) return "not read, error `UNSUPPORTED`";
  return max === 0 ? "exact" : `at most ${max}, mean ${mean.toFixed(2)}`;
}

const table = (pillow: string, rows: readonly RowDifference[]): string =>
  `${versions(pillow)}\n\n${markdownTable(
    ["format", "pictures", "difference of a byte from Pillow's"],
    rows.map((row) => [row.row, String(row.pictures), difference(row)]),
    [1],
  )}`;

function stated(): string {
  const text = readFileSync(doc, "utf8");
  return text.slice(text.indexOf(begin) + begin.length, text.indexOf(end)).trim();
}

describe.skipIf(!hasPillow)("docs/images.md", () => {
  let folder: string;
  let pillow: string;
  let rows: RowDifference[];
  beforeAll(async () => {
    folder = runPillow("pillow_cases.py");
    pillow = readFileSync(path.join(folder, "pillow.txt"), "utf8");
    rows = await compareWithPillow(folder);
    if (process.env.SAEV_UPDATE_DOCS !== "1") return;
    const text = readFileSync(doc, "utf8");
    const [before, after] = [text.slice(0, text.indexOf(begin)), text.slice(text.indexOf(end))];
    writeFileSync(doc, `${before}${begin}\n\n${table(pillow, rows)}\n\n${after}`);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("calls exact what is exact", () => {
    const exact = stated()
      .split("\n")
      .map((line) => line.split("|").map((cell) => cell.trim()))
      .filter((cells) => cells[3] === "exact")
      .map((cells) => cells[1]!);
    expect(exact.length).toBeGreaterThan(30);
    const measured = new Map(rows.map((row) => [row.row, difference(row)]));
    // A Pillow without AVIF or colour profiles writes fewer pictures.
    expect(exact.filter((row) => measured.has(row) && measured.get(row) !== "exact")).toEqual([]);
    expect(exact.filter((row) => measured.has(row)).length).toBeGreaterThan(30);
  });

  it("refuses what it does not read with an error that names it", () => {
    const problems = rows.flatMap((row) => row.problems);
    for (const problem of problems) expect(problem).toMatch(/this kind of AVIF is not read/);
  });

  it("is up to date", (context) => {
    const written = versions(pillow);
    if (!stated().startsWith(written)) {
      console.warn(`${doc} has figures of other versions than these: ${written}`);
      context.skip();
    }
    expect(stated()).toBe(table(pillow, rows));
  });
});
