import { readFileSync } from "node:fs";
import path from "node:path";
import { decodeImage } from "../decode.js";

/** How far our pictures of one row of the table are from Pillow's. */
export interface RowDifference {
  /** Formats and kinds, as pillow_cases.py calls them. */
  readonly row: string;
  /** Pictures compared. */
  readonly pictures: number;
  /** Largest difference of a byte, 0 to 255; infinite when a picture is refused or has other sizes. */
  readonly max: number;
  /** Mean difference of the bytes. */
  readonly mean: number;
  /** What was refused, with our message, or has other sizes. */
  readonly problems: readonly string[];
}

/** Decodes the pictures of a folder that pillow_cases.py wrote. */
export async function compareWithPillow(folder: string): Promise<RowDifference[]> {
  const cases = JSON.parse(readFileSync(path.join(folder, "cases.json"), "utf8")) as Record<
    string,
    { width: number; height: number; row: string }
  >;
  const rows = new Map<
    string,
    { pictures: number; max: number; sum: number; bytes: number; problems: string[] }
  >();
  for (const [name, { width, height, row }] of Object.entries(cases)) {
    const total = rows.get(row) ?? { pictures: 0, max: 0, sum: 0, bytes: 0, problems: [] };
    rows.set(row, total);
    total.pictures++;
    try {
      const ours = await decodeImage(path.join(folder, name));
      const theirs = readFileSync(path.join(folder, `${name}.rgb`));
      if (ours.width !== width || ours.height !== height)
        throw new Error(`${ours.width} × ${ours.height} instead of ${width} × ${height}`);
      for (let i = 0; i < theirs.length; i++) {
        const difference = Math.abs(ours.data[i]! - theirs[i]!);
        total.max = Math.max(total.max, difference);
        total.sum += difference;
      }
      total.bytes += theirs.length;
    } catch (error) {
      total.max = Number.POSITIVE_INFINITY;
      total.problems.push(`${name}: ${(error as Error).message}`);
    }
  }
  return [...rows].map(([row, { pictures, max, sum, bytes, problems }]) => ({
    row,
    pictures,
    max,
    mean: sum / Math.max(bytes, 1),
    problems,
  }));
}
