// Lays latents out in two dimensions, on a thread of its own: seconds for a thousand, a minute for a hundred thousand.
import { parentPort, workerData } from "node:worker_threads";
import { UMAP } from "umap-js";

const { rows, k, index, distance, seed } = workerData;

/** Mulberry32: the same map each time. */
function random(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const neighbours = (all, own) => (_, row) => [own(row), ...all.subarray(row * k, (row + 1) * k)];
const umap = new UMAP({ nComponents: 2, nNeighbors: k + 1, minDist: 0.1, random: random(seed) });
// Neighbours are known: the rows themselves are never looked at.
umap.setPrecomputedKNN(
  Array.from(
    { length: rows },
    neighbours(index, (row) => row),
  ),
  Array.from(
    { length: rows },
    neighbours(distance, () => 0),
  ),
);
const epochs = umap.initializeFit(Array.from({ length: rows }, () => [0]));
for (let epoch = 0; epoch < epochs; epoch++) {
  umap.step();
  if (epoch % 10 === 0) parentPort.postMessage({ done: epoch / epochs });
}
parentPort.postMessage({ points: Float32Array.from(umap.getEmbedding().flat()) });
