/** `_rank.ts SHARDS CKPT`: ranks all rows as `saev visuals` does and prints what it took, as a process of its own. */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { parseVisuals } from "@saev/config";
import { ActivationLoader, SparseAutoencoder } from "@saev/core";
import { rankRows } from "../packages/visuals/src/rank-rows.js";
import { nPatches, topK } from "./_visuals.js";

export interface RankCost {
  /** Seconds, and seconds of all cores together. */
  readonly wall: number;
  readonly cpu: number;
  /** The most memory that no file backed, in bytes, less what there was before. */
  readonly memory: number;
}

const ownMemory = () =>
  1024 * Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);

const [shards, ckpt] = process.argv.slice(2) as [string, string];
const cfg = parseVisuals({
  ckpt,
  data: { shard_root: shards, layer: -1, scale_mean: false, scale_norm: false },
  images: { kind: "image-folder-dataset", root: path.dirname(shards) },
  ...{ top_k: topK, n_workers: availableParallelism(), device: "cpu" },
});
using sae = await SparseAutoencoder.load(ckpt);
using loader = await ActivationLoader.open(cfg.data, { order: "ordered", nWorkers: cfg.n_workers });
const before = ownMemory();
let most = before;
const watch = setInterval(() => {
  most = Math.max(most, ownMemory());
}, 10);
const [wall, cpu] = [performance.now(), process.cpuUsage()];
const ranked = await rankRows({ cfg, loader, sae, patches: nPatches });
const used = process.cpuUsage(cpu);
const cost: RankCost = {
  wall: (performance.now() - wall) / 1000,
  cpu: (used.user + used.system) / 1e6,
  memory: Math.max(most, ownMemory()) - before,
};
clearInterval(watch);
ranked.dispose();
process.stdout.write(JSON.stringify(cost));
