/** The folder that the tests of the three jobs share: pictures, configs, and what one test makes for those after it. */
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "vitest";
import { root, saev, saevHere } from "../saev.js";

export const folder = mkdtempSync(path.join(tmpdir(), "saev-jobs-"));
export const at = (...parts: string[]): string => path.join(folder, ...parts);
const photographs = path.join(root, "examples/data/pictures");
export const run = (...args: string[]) => saevHere(args, { cwd: folder });
/** In a process of its own, as people run it. */
export const runAlone = (...args: string[]) => saev(args, { cwd: folder });

/** Files under a folder, with a hash of each. */
export function hashes(dir: string): Record<string, string> {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files
      .map((entry) => path.join(entry.parentPath, entry.name))
      .sort()
      .map((file) => [
        path.relative(dir, file),
        createHash("sha256").update(readFileSync(file)).digest("hex"),
      ]),
  );
}

/** Copies the first `n` pictures, class folders and all. */
function pictures(to: string, n: number): void {
  const files = readdirSync(photographs, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".jpg"))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort()
    .slice(0, n);
  expect(files).toHaveLength(n);
  for (const file of files) {
    const target = path.join(to, path.basename(path.dirname(file)), path.basename(file));
    mkdirSync(path.dirname(target), { recursive: true });
    cpSync(file, target);
  }
}

/** A shard folder and an `sae.pt`, relative to the folder. */
export const made = { shards: "", checkpoint: "" };

/** Pictures and config files. */
export function fill(): void {
  pictures(at("few"), 12);
  pictures(at("many"), 160);
  writeFileSync(
    at("activations.toml"),
    `vit_ckpt = "${path.join(root, "examples/data/models/clip-demo")}"
d_vit = 128
n_patches_per_img = 100
vit_batch_size = 4
n_patches_per_shard = 3_000
n_workers = 2
device = "cpu"
data = { kind = "image-folder-dataset", root = "few" }
`,
  );
  writeFileSync(
    at("train.toml"),
    `n_workers = 1
n_patches = 6_000
sae_batch_size = 128
n_lr_warmup = 5
log_every = 5
device = "cpu"
data = { n_random_samples = 500 }
sae = { kind = "relu", d_vit = 128, exp_factor = 2, n_reinit_samples = 500 }
`,
  );
}
