/**
 * Trains a sparse autoencoder on vectors that are not a ViT's: made of known directions, so that one can see whether
 * it finds them.
 *
 *   node scripts/run.mjs examples/train-on-vectors.ts
 */
import { evaluate, initialTensors, MemoryLoader, Tensor, Trainer } from "@saev/core";

const dVit = 32;
const nDirections = 48;
const nRows = 20_000;
const perRow = 3;

// A small reproducible generator (mulberry32): the example prints the same figures everywhere.
let state = 1;
function uniform(): number {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());

const directions = Array.from({ length: nDirections }, () => {
  const v = Array.from({ length: dVit }, normal);
  const length = Math.hypot(...v);
  return v.map((x) => x / length);
});

// Each row is the sum of a few directions, each by a random positive amount.
const rows = new Float32Array(nRows * dVit);
for (let r = 0; r < nRows; r++) {
  for (let k = 0; k < perRow; k++) {
    const direction = directions[Math.floor(uniform() * nDirections)]!;
    const amount = 2 + 2 * uniform();
    for (let c = 0; c < dVit; c++) rows[r * dVit + c]! += amount * direction[c]!;
  }
}

using data = Tensor.from(rows, [nRows, dVit]);
using loader = MemoryLoader.create(data);
using trainer = Trainer.create(dVit);
trainer.add(initialTensors(dVit, 2 * nDirections, { seed: 0 }), {
  lr: 3e-3,
  nLrWarmup: 100,
  sparsityCoeff: 2e-2,
});
await trainer.run(loader, {
  batchSize: 1000,
  nPatches: 100 * nRows,
  logEvery: 500,
  onLog: ({ step, mse, l0 }) => console.log(`step ${step}: mse ${mse.toFixed(4)}, L0 ${l0.toFixed(1)}`),
});

using sae = trainer.sae(0);
loader.reset();
const { explainedVariance, l0, nDead } = await evaluate(sae, loader);
console.log(`explained variance ${explainedVariance.toFixed(3)}, L0 ${l0.toFixed(1)}, dead ${nDead}`);

// How well the best decoder row matches each true direction.
const wDec = sae.tensors().wDec.toFloat32Array();
const cosines = directions.map((direction) => {
  let best = 0;
  for (let j = 0; j < sae.dSae; j++) {
    const row = wDec.subarray(j * dVit, (j + 1) * dVit);
    const dot = direction.reduce((sum, x, c) => sum + x * row[c]!, 0);
    best = Math.max(best, dot / Math.hypot(...row));
  }
  return best;
});
const found = cosines.filter((cosine) => cosine > 0.95).length;
console.log(`${found} of ${nDirections} directions found (cosine above 0.95)`);
