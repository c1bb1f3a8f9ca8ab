import {
  blendRows,
  initialTensors,
  MemoryLoader,
  type SaeTensors,
  type SaeTraining,
  Tensor,
  Trainer,
} from "@saev/core";
import { aborted, type Misuse, ones, wrong } from "../misuse.js";

const start = (over: Partial<SaeTensors> = {}): SaeTensors => ({
  wEnc: ones([2, 3], 0.5),
  bEnc: ones([3]),
  wDec: ones([3, 2], 0.5),
  bDec: ones([2]),
  ...over,
});

/** A trainer with one SAE of width 2. */
function trainer(training: SaeTraining = {}): Trainer {
  const made = Trainer.create(2);
  made.add(start(), training);
  return made;
}

const rows = () => MemoryLoader.create(ones([8, 2]));

export const misuses: readonly Misuse[] = [
  { what: "a trainer of no width", run: () => Trainer.create(0), ends: ["INVALID_ARGUMENT"] },
  { what: "a trainer of negative width", run: () => Trainer.create(-2), ends: ["INVALID_ARGUMENT"] },
  { what: "a trainer of NaN width", run: () => Trainer.create(Number.NaN), ends: ["INVALID_ARGUMENT"] },
  { what: "an SAE of another width", run: () => Trainer.create(3).add(start()), ends: ["SHAPE_MISMATCH"] },
  {
    what: "an SAE whose parameters do not fit",
    run: () => Trainer.create(2).add(start({ bEnc: ones([4]) })),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "an SAE that starts from NaN",
    run: () => Trainer.create(2).add(start({ wDec: ones([3, 2], Number.NaN) })),
    ends: ["NUMERIC"],
  },
  {
    what: "more latents kept than there are",
    run: () => trainer({ activation: { kind: "top-k", topK: 4 } }),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "prefixes that do not end with all latents",
    run: () => trainer({ matryoshka: { prefixes: [1, 2] } }),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "more prefixes than latents",
    run: () => trainer({ matryoshka: { nPrefixes: 4 } }),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "an auxiliary loss without a word on when a latent is dead",
    run: () => trainer({ auxK: {}, deadThresholdTokens: 0 }),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "a jump-relu SAE without thresholds",
    run: () => trainer({ activation: { kind: "jump-relu" } }),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "thresholds that are not above 0",
    run: () =>
      Trainer.create(2).add(start({ threshold: ones([3], 0) }), { activation: { kind: "jump-relu" } }),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "NaN thresholds",
    run: () =>
      Trainer.create(2).add(start({ threshold: ones([3], Number.NaN) }), {
        activation: { kind: "jump-relu" },
      }),
    ends: ["NUMERIC"],
  },
  {
    what: "thresholds of a ReLU SAE",
    run: () => Trainer.create(2).add(start({ threshold: ones([3]) })),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "a gated SAE with half of its parameters",
    run: () => Trainer.create(2).add(start({ rMag: ones([3]) }), { activation: { kind: "gated" } }),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "a gated SAE with parameters of another size",
    run: () =>
      Trainer.create(2).add(start({ rMag: ones([4]), bMag: ones([3]) }), { activation: { kind: "gated" } }),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "an L0 penalty where no threshold could follow it",
    run: () => trainer({ penalty: "l0" }),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "a window of no width",
    run: () =>
      Trainer.create(2).add(start({ threshold: ones([3]) }), {
        activation: { kind: "jump-relu" },
        bandwidth: 0,
      }),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "a falling schedule of no steps",
    run: () => trainer({ schedule: { decay: "cosine", nSteps: 0 } }),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "an optimizer that does not exist",
    run: () => trainer({ optimizer: wrong("sgd") }),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "a start from rows of another width",
    run: () => initialTensors(2, 3, { blend: { rows: ones([4, 5]), mean: ones([5]), share: 0.8 } }),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "a start from no rows",
    run: () => blendRows(ones([3, 2]), { rows: ones([0, 2]), mean: ones([2]) }, 0.8),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "a start of more than all data",
    run: () => blendRows(ones([3, 2]), { rows: ones([4, 2]), mean: ones([2]) }, 1.5),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "a name for an SAE that was never added",
    run: () => trainer().name(3, "run abc"),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "a NaN learning rate",
    run: () => trainer({ lr: Number.NaN }),
    ends: ["INVALID_ARGUMENT", "NUMERIC"],
  },
  { what: "a warm-up of minus one step", run: () => trainer({ nLrWarmup: -1 }), ends: ["INVALID_ARGUMENT"] },
  {
    what: "a step on rows of another width",
    run: () => trainer().step(ones([4, 5])),
    ends: ["SHAPE_MISMATCH"],
  },
  { what: "a step on a vector", run: () => trainer().step(ones([2])), ends: ["SHAPE_MISMATCH"] },
  {
    what: "a step on whole numbers",
    run: () => trainer().step(Tensor.from(new Int32Array(4), [2, 2])),
    ends: ["SHAPE_MISMATCH"],
  },
  { what: "a step on NaN", run: () => trainer().step(ones([4, 2], Number.NaN)), ends: ["NUMERIC"] },
  {
    what: "a step of a disposed trainer",
    run: () => {
      const t = trainer();
      t.dispose();
      return t.step(ones([4, 2]));
    },
    ends: ["DISPOSED"],
  },
  {
    what: "a step without an SAE",
    run: () => Trainer.create(2).step(ones([4, 2])),
    ends: "quietly",
  },
  { what: "an SAE that was never added", run: () => trainer().sae(1), ends: ["INVALID_ARGUMENT"] },
  { what: "stopping an SAE that was never added", run: () => trainer().stop(1), ends: ["INVALID_ARGUMENT"] },
  {
    what: "a step after all SAEs were stopped",
    run: () => {
      const t = trainer();
      t.stop(0);
      return t.step(ones([4, 2]));
    },
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "a run in batches of none",
    run: () => trainer().run(rows(), { batchSize: 0, nPatches: 8 }),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "a run on rows of another width",
    run: () => trainer().run(MemoryLoader.create(ones([8, 3])), { batchSize: 4, nPatches: 8 }),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "a run on something else than a source",
    run: () => trainer().run(wrong(ones([8, 2])), { batchSize: 4, nPatches: 8 }),
    ends: ["WRONG_HANDLE"],
  },
  {
    what: "a progress callback that throws",
    run: () =>
      trainer().run(rows(), {
        batchSize: 4,
        nPatches: 4000,
        onProgress: () => {
          throw new Error("the caller's reason");
        },
      }),
    ends: "reason",
  },
  {
    what: "a run with a signal that was aborted before",
    run: () => trainer().run(rows(), { batchSize: 4, nPatches: 8, signal: aborted() }),
    ends: "reason",
  },
];
