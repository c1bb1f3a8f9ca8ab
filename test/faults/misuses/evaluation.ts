import {
  dictionaryFigures,
  EvaluationSums,
  evaluate,
  LatentProbes,
  Latents,
  MemoryLoader,
  Tensor,
} from "@saev/core";
import { aborted, gone, type Misuse, ones, raw, smallSae, wrong } from "../misuse.js";

const sums = () => EvaluationSums.create(smallSae());
const source = () => MemoryLoader.create(ones([4, 2]));
const probes = () => LatentProbes.create(3, { nClasses: 2 });
const latents = () => smallSae().encode(ones([2, 2]));
const longs = (...values: bigint[]) => Tensor.from(new BigInt64Array(values));
const ints = (...values: number[]) => Tensor.from(new Int32Array(values));

export const misuses: readonly Misuse[] = [
  {
    what: "evaluating with prefixes that do not ascend",
    run: () => evaluate(smallSae(), source(), { prefixes: [2, 1] }),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "a prefix of all latents",
    run: () => EvaluationSums.create(smallSae(), [3]),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "prefixes that are no list",
    run: () => EvaluationSums.create(smallSae(), wrong("12")),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "sums of more latents than there can be",
    run: () => EvaluationSums.create({ dVit: 1, dSae: 2 ** 52 }),
    ends: ["INVALID_ARGUMENT", "OUT_OF_MEMORY"],
  },
  { what: "figures of nothing", run: () => sums().figures(), ends: ["INVALID_ARGUMENT"] },
  {
    what: "adding rows of another width",
    run: () => sums().add(smallSae(), ones([2, 5])),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "adding latents of another SAE",
    run: () => EvaluationSums.create({ dVit: 2, dSae: 9 }).add(smallSae(), ones([2, 2])),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "adding a NaN",
    run: () => sums().add(smallSae(), ones([2, 2], Number.NaN)),
    ends: ["NUMERIC"],
  },
  { what: "adding no rows", run: () => sums().add(smallSae(), ones([0, 2])), ends: "quietly" },
  { what: "adding disposed rows", run: () => sums().add(smallSae(), gone()), ends: ["DISPOSED"] },
  {
    what: "adding after an abort",
    run: () => sums().add(smallSae(), ones([2, 2]), { signal: aborted() }),
    ends: "reason",
  },
  {
    what: "the state of another SAE",
    run: () => sums().restore(Tensor.from(new Float64Array(3))),
    ends: ["SHAPE_MISMATCH"],
  },
  { what: "a state of float32", run: () => sums().restore(ones([30])), ends: ["SHAPE_MISMATCH"] },
  {
    what: "a state of NaN",
    run: () => {
      const of = sums();
      const state = of.state().toTypedArray() as Float64Array;
      of.restore(Tensor.from(state.fill(Number.NaN)));
    },
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "comparing the rows of a vector",
    run: () => raw((native) => native.rowCosines(ones([3]).handle, false, {})),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "comparing directions after an abort",
    run: () => dictionaryFigures(smallSae(), { signal: aborted() }),
    ends: "reason",
  },
  {
    what: "probes of no classes",
    run: () => LatentProbes.create(3, { nClasses: 0 }),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "probes that may keep nothing",
    run: () => LatentProbes.create(3, { nClasses: 1, maxEntries: 0 }),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "a label beyond the classes",
    run: async () => probes().add(await latents(), longs(0n, 1n), ints(0, 2)),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "units that go back",
    run: async () => probes().add(await latents(), longs(1n, 0n), ints(0, 1)),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "fewer labels than rows",
    run: async () => probes().add(await latents(), longs(0n, 1n), ints(0)),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "labels of another type",
    run: async () => probes().add(await latents(), longs(0n, 1n), ones([2])),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "latents that the probes do not have",
    run: () => probes().add(new Latents(longs(0n, 1n), ints(7), ones([1]), 3), longs(0n), ints(0)),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "latents whose rows do not add up",
    run: () => probes().add(new Latents(longs(0n, 5n), ints(1), ones([1]), 3), longs(0n), ints(0)),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "finishing probes twice",
    run: async () => {
      const of = probes();
      await of.finish();
      await of.finish();
    },
    ends: ["INVALID_ARGUMENT"],
  },
];
