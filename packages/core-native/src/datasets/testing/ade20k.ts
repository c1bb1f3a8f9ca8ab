import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import sharp from "sharp";
import { randomNumbers } from "../../vit/testing/tiny-clip.js";

/** Writes a folder laid out as ADE20K: `n` pictures of noise and their segmentations in blocks of 3 classes. */
export async function writeAde20k(root: string, n: number, split = "training"): Promise<void> {
  const random = randomNumbers(5);
  const lines: string[] = [];
  const code = split === "training" ? "train" : "val";
  for (const folder of ["images", "annotations"])
    mkdirSync(path.join(root, folder, split), { recursive: true });
  for (let i = 0; i < n; i++) {
    const name = `ADE_${code}_${String(i + 1).padStart(8, "0")}`;
    const width = 31 + 3 * (i % 4);
    const height = 40 - 5 * (i % 3);
    const pixels = Uint8Array.from({ length: width * height * 3 }, () => 128 + 127 * random());
    const image = sharp(pixels, { raw: { width, height, channels: 3 } });
    await image.jpeg().toFile(path.join(root, "images", split, `${name}.jpg`));
    const classes = Uint8Array.from({ length: width * height }, (_, p) => {
      const x = p % width;
      const y = Math.floor(p / width);
      return (Math.floor(x / 7) * 3 + Math.floor(y / 9) * 5 + (random() > 0.6 ? 1 : 0) + i) % 151;
    });
    const grey = sharp(classes, { raw: { width, height, channels: 1 } }).toColourspace("b-w");
    await grey.png().toFile(path.join(root, "annotations", split, `${name}.png`));
    lines.push(`${name} ${["beach", "airport_terminal"][i % 2]}`);
  }
  writeFileSync(path.join(root, "sceneCategories.txt"), `${lines.join("\n")}\n`);
}
