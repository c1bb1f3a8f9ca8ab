/** Activations that are on the disk and not in memory, read through a shuffle buffer; against what `fio` reads from the same files. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { DataLoad } from "@saev/config";
import { ActivationLoader, ShardWriter, Tensor } from "@saev/core";
import { median } from "./_median.js";
import type { BenchResult } from "./result.js";

const dVit = 768;
const nPatches = 196;
const nImgs = 1500; // 0.9 GB
const buffer = 2 ** 16; // 0.2 GB of memory
const rounds = 3;

/** Not the system's temporary folder, which may be memory. */
const scratch = path.join(import.meta.dirname, "..", ".cache");

async function record(folder: string): Promise<string> {
  using writer = await ShardWriter.open(folder, {
    vit_family: "clip",
    vit_ckpt: "bench",
    layers: [-2],
    n_patches_per_img: nPatches,
    cls_token: true,
    d_vit: dVit,
    seed: 0,
    n_imgs: nImgs,
    n_patches_per_shard: 256 * (nPatches + 1),
    data: "bench",
  });
  const values = new Float32Array(50 * (nPatches + 1) * dVit).map((_, i) => (i % 4096) / 1024 - 2);
  using acts = Tensor.from(values, [50, 1, nPatches + 1, dVit]);
  for (let image = 0; image < nImgs; image += 50) await writer.write(acts);
  await writer.finish();
  return writer.dir;
}

/** Writes to the disk what is in the system's cache, and forgets it. */
function forget(files: readonly string[]): void {
  for (const file of files) {
    const dd = spawnSync("dd", [`if=${file}`, "iflag=nocache", "count=0", "status=none"]);
    if (dd.status !== 0) throw new Error(`dd cannot drop ${file} from the page cache: ${dd.stderr}`);
  }
}

/** MB/s of an epoch. */
async function ours(dir: string): Promise<number> {
  const config = DataLoad.parse({ shard_root: dir, layer: -2, scale_mean: false, scale_norm: false });
  using loader = await ActivationLoader.open(config, { order: "shuffled", buffer });
  const start = performance.now();
  let rows = 0;
  for await (const batch of loader.batches(4096)) {
    rows += batch.acts.shape[0] ?? 0;
    batch[Symbol.dispose]();
  }
  return (rows * dVit * 4) / (performance.now() - start) / 1e3;
}

/** MB/s of one process that reads the same files from end to end, 16 requests of 1 MiB under way. */
function fio(files: readonly string[]): number {
  const args = [
    "--name=read",
    `--filename=${files.join(":")}`,
    "--rw=read",
    "--bs=1M",
    "--ioengine=libaio",
    "--iodepth=16",
    "--direct=1",
    "--file_service_type=sequential",
    "--output-format=json",
  ];
  const run = spawnSync("fio", args, { encoding: "utf8" });
  if (run.error) throw new Error("loader-cold compares with fio, which is not installed");
  if (run.status !== 0) throw new Error(`fio: ${run.stderr || run.stdout}`);
  const { jobs } = JSON.parse(run.stdout.slice(run.stdout.indexOf("{"))) as {
    jobs: { read: { bw_bytes: number } }[];
  };
  return jobs[0]!.read.bw_bytes / 1e6;
}

export default async function loaderCold(): Promise<BenchResult> {
  const folder = mkdtempSync(path.join(scratch, "bench-cold-"));
  try {
    const dir = await record(folder);
    const files = readdirSync(dir)
      .filter((name) => name.endsWith(".bin"))
      .sort()
      .map((name) => path.join(dir, name));
    spawnSync("sync");
    const rates = { ours: [] as number[], fio: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      forget(files);
      rates.fio.push(fio(files));
      forget(files);
      rates.ours.push(await ours(dir));
    }
    const [mine, theirs] = [median(rates.ours), median(rates.fio)];
    return {
      name: "loader-cold",
      ours: mine,
      peer: theirs,
      ratio: mine / theirs,
      unit: "MB/s",
      notes: [
        `an epoch of ${nImgs * nPatches} rows of ${dVit} float32, dropped from the page cache before, through a buffer of ${buffer} rows`,
        "peer: fio, the same files from end to end, direct reads of 1 MiB, 16 under way",
      ],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
