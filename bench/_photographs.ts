import { mkdirSync, readdirSync } from "node:fs";
import path from "node:path";
import sharp from "sharp";

/** Photographs of about 500 pixels, as JPEG, in one class folder. */
export async function writePhotographs(root: string, n: number): Promise<void> {
  const source = path.resolve(import.meta.dirname, "../examples/data/pictures");
  const files = readdirSync(source, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".jpg"))
    .sort();
  mkdirSync(path.join(root, "all"), { recursive: true });
  for (let i = 0; i < n; i++) {
    const size = i % 2 ? { width: 500, height: 375 } : { width: 480, height: 480 };
    await sharp(path.join(source, files[(i * 3) % files.length]!))
      .resize({ ...size, fit: "cover" })
      .jpeg({ quality: 90 })
      .toFile(path.join(root, "all", `${String(i).padStart(4, "0")}.jpg`));
  }
}
