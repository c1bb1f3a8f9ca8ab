import { dSae, type Objective, prefixCount, type ResolvedTrain } from "@saev/config";
import type { LongCallOptions } from "../native/call.js";
import { disposeTensors, type SaeTensors } from "../sae/tensors.js";
import { Tensor } from "../tensor.js";
import { initialTensors } from "./initial-tensors.js";
import type { TrainPlan } from "./rounds.js";
import { Trainer } from "./trainer.js";
import { trainingOf } from "./training-of.js";

/** Latents of the SAEs that are measured, at most: what a step costs grows with their number. */
const mostLatents = 2048;
/** Rows of the two batches that are measured: from them come a step's fixed cost and what a row costs. */
const few = 192;
const many = 768;
/** Share of latents that are active in what is measured, as in a trained SAE: a pre-activation of more than 2.326 σ. */
export const measuredDensity = 0.01;
const onePercent = 2.326;

/**
 * Seconds that each round of a plan will take for its steps, from a few steps made here: for each sort of SAE some of a smaller one
 * on random rows, with 1 % of the latents active (top-k: k), scaled to its size and batch. The first hundreds of steps of a run,
 * when more latents are active, are slower; reading runs beside them; evaluation comes on top.
 */
export async function estimateTime(
  { cfgs, rounds }: TrainPlan,
  options?: LongCallOptions,
): Promise<number[]> {
  const known = new Map<string, Promise<Cost>>();
  const costOf = (cfg: ResolvedTrain) => {
    const key = JSON.stringify([sortOf(cfg), measuredLatents(cfg)]);
    const cost = known.get(key) ?? measure(cfg, options);
    known.set(key, cost);
    return cost;
  };
  const out: number[] = [];
  for (const { saes, rows, steps } of rounds) {
    let perStep = 0;
    for (const i of saes) {
      const cfg = cfgs[i]!;
      const { fixed, perRow } = await costOf(cfg);
      perStep += ((fixed + perRow * rows) * dSae(cfg.sae)) / measuredLatents(cfg);
    }
    out.push(steps * perStep);
  }
  return out;
}

/** Seconds of a step of an SAE with {@link measuredLatents}. */
interface Cost {
  readonly fixed: number;
  readonly perRow: number;
}

/** All that changes what a step costs, but for d_sae and the batch. */
const sortOf = ({ sae, objective, optimizer, grad_clip }: ResolvedTrain) => [
  sae.kind,
  sae.d_vit,
  "top_k" in sae ? [sae.top_k, sae.k_aux] : 0,
  prefixCount(objective),
  optimizer,
  grad_clip > 0,
];

function measuredLatents({ sae, objective }: ResolvedTrain): number {
  const needed = Math.max(mostLatents, "top_k" in sae ? 4 * sae.top_k : 0, 2 * prefixCount(objective));
  return Math.min(dSae(sae), needed);
}

async function measure(cfg: ResolvedTrain, options?: LongCallOptions): Promise<Cost> {
  const { d_vit } = cfg.sae;
  const start = startOf(cfg, measuredLatents(cfg));
  using trainer = Trainer.create(d_vit);
  try {
    trainer.add(start, { ...trainingOf({ ...cfg, objective: drawn(cfg) }, 1000, false), lr: 0 });
  } finally {
    disposeTensors(start);
  }
  using large = Tensor.from(normals(many * d_vit), [many, d_vit]);
  using small = large.narrow(0, 0, few);
  const seconds = async (x: Tensor) => {
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 3; i++) {
      const begin = performance.now();
      await trainer.step(x, options);
      best = Math.min(best, (performance.now() - begin) / 1e3);
    }
    return best;
  };
  await trainer.step(small, options); // makes room
  const [one, other] = [await seconds(small), await seconds(large)];
  const perRow = Math.max(other / many / 2, (other - one) / (many - few));
  return { perRow, fixed: Math.max(0, one - few * perRow) };
}

/** As many prefixes, drawn: groups are of the whole SAE's size. */
function drawn({ objective }: ResolvedTrain): Objective {
  if (objective.kind === "vanilla") return objective;
  return { ...objective, group_sizes: [], n_prefixes: prefixCount(objective) };
}

/** Unit rows of W_dec and W_enc their transpose, so that pre-activations of normal rows are normal. */
function startOf(cfg: ResolvedTrain, n: number): SaeTensors {
  const { sae } = cfg;
  const start = initialTensors(sae.d_vit, n, {
    tied: true,
    ...(sae.kind === "jump-relu" && { threshold: onePercent }),
    ...(sae.kind === "gated" && { gated: true }),
  });
  if ("top_k" in sae || sae.kind === "jump-relu") return start;
  start.bEnc.dispose();
  return { ...start, bEnc: Tensor.from(new Float32Array(n).fill(-onePercent)) };
}

/** Standard normal numbers, always the same. */
function normals(n: number): Float32Array {
  let state = 7;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return Float32Array.from(
    { length: n },
    () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
}
