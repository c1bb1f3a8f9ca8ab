/** A shard folder that is being written, against kills and a full disk. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Metadata, metadataHash } from "@saev/config";
import { ShardFolder } from "@saev/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { digests } from "../../packages/core-native/src/activations/testing/dataset.js";
import { compile } from "../e2e/saev.js";
import { childArgs } from "./child.js";

const folder = mkdtempSync(path.join(tmpdir(), "saev-kill-shards-"));
beforeAll(compile);
afterAll(() => rmSync(folder, { recursive: true }));

const metadata: Metadata = {
  vit_family: "clip",
  vit_ckpt: "test",
  layers: [-2, -1],
  n_patches_per_img: 4,
  cls_token: true,
  d_vit: 64,
  seed: 42,
  n_imgs: 600,
  n_patches_per_shard: 370, // 37 images
  data: "ImageFolderDataset(root='x')",
};
const args = (dumpTo: string, pause: number) => [
  ...childArgs("shards-child.mjs"),
  ...[path.join(folder, dumpTo), JSON.stringify(metadata), String(pause)],
];
const dirOf = (dumpTo: string) => path.join(folder, dumpTo, metadataHash(metadata));

it("killed with signal 9 at ten random moments: the final files are those of an undisturbed run", async () => {
  const run = spawnSync(process.execPath, args("undisturbed", 0), { encoding: "utf8" });
  expect(run.stdout, run.stderr).toContain("done");
  const dir = dirOf("killed");
  let kills = 0;
  for (let attempt = 0; kills < 10 && attempt < 40; attempt++) {
    const process_ = spawn(process.execPath, args("killed", 8), { stdio: ["ignore", "pipe", "inherit"] });
    const exited = new Promise<NodeJS.Signals | null>((resolve) =>
      process_.on("exit", (_, signal) => resolve(signal)),
    );
    await new Promise((resolve) => process_.stdout.once("data", resolve));
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
    process_.kill("SIGKILL");
    if ((await exited) === "SIGKILL") kills++;
    for (const file of existsSync(dir) ? readdirSync(dir) : []) {
      if (/^acts\d+\.bin$/.test(file))
        expect(readFileSync(path.join(dir, file)).length).toBe(37 * 2 * 5 * 64 * 4);
    }
  }
  expect(kills).toBe(10);
  const last = spawnSync(process.execPath, args("killed", 0), { encoding: "utf8" });
  expect(last.stdout, last.stderr).toContain("done");
  expect(digests(dir)).toEqual(digests(dirOf("undisturbed")));
}, 120_000);

it("a full disk: one clear error, and the rerun goes on", async () => {
  const shell = (limit: string) =>
    spawnSync(
      "sh",
      ["-c", `trap '' XFSZ; ulimit -f ${limit}; exec "$0" "$@"`, process.execPath, ...args("full", 0)],
      { encoding: "utf8" },
    );
  const full = shell("60"); // blocks of 512 bytes: less than a shard
  expect(full.status).toBe(1);
  expect(full.stderr).toMatch(/cannot write .*acts000000\.bin\.part: File too large/);
  const dir = dirOf("full");
  expect(readdirSync(dir).filter((f) => /^acts\d+\.bin$/.test(f))).toEqual([]);
  expect(await ShardFolder.open(dir)).toMatchObject({ complete: false, imagesDone: 0 });
  expect(shell("unlimited").stdout).toContain("done");
  expect((await ShardFolder.open(dir)).holes.length).toBe(13);
}, 60_000);
