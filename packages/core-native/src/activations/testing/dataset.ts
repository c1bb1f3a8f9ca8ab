import { createHash } from "node:crypto";
import { accessSync, constants, mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import sharp from "sharp";
import { randomNumbers } from "../../vit/testing/tiny-clip.js";

/** Writes `n` small pictures in three class folders, in the order of their numbers: `a/000.png` … `c/….jpg`. */
export async function writeDataset(root: string, n: number): Promise<void> {
  const random = randomNumbers(3);
  for (let i = 0; i < n; i++) {
    const label = "abc"[Math.floor((i * 3) / n)]!;
    mkdirSync(path.join(root, label), { recursive: true });
    const width = 20 + (i % 7);
    const height = 18 + (i % 5);
    const data = Uint8Array.from({ length: width * height * 3 }, () => 128 + 127 * random());
    const image = sharp(data, { raw: { width, height, channels: 3 } });
    const name = String(i).padStart(3, "0");
    const file = path.join(root, label, i % 2 ? `${name}.jpg` : `${name}.png`);
    await (i % 2 ? image.jpeg() : image.png()).toFile(file);
  }
}

/** A new folder in memory where the machine has one: recording syncs often, and disks of test machines are slow at it. */
export function scratchFolder(prefix: string): string {
  let parent = os.tmpdir();
  try {
    accessSync("/dev/shm", constants.W_OK);
    parent = "/dev/shm";
  } catch {
    // no such folder: the usual one
  }
  return mkdtempSync(path.join(parent, prefix));
}

/** SHA-256 of every file of a folder, by name. */
export const digests = (dir: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(dir)
      .sort()
      .map((file) => [
        file,
        createHash("sha256")
          .update(readFileSync(path.join(dir, file)))
          .digest("hex"),
      ]),
  );
