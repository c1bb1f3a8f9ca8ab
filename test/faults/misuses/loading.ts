import { ActivationLoader, MemoryLoader, numpyPermutation, ShardFolder, Tensor } from "@saev/core";
import { aborted, gone, type Misuse, ones, wrong } from "../misuse.js";

const loader = () => MemoryLoader.create(ones([4, 3]));

export const misuses: readonly Misuse[] = [
  { what: "a shard folder that is not there", run: () => ShardFolder.open("none"), ends: ["NOT_FOUND"] },
  {
    what: "a loader of a folder that is not there",
    run: () =>
      ActivationLoader.open(
        wrong({
          shard_root: "none",
          patches: "patches",
          layer: -2,
          clamp: 1e5,
          n_random_samples: 4,
          scale_mean: true,
          scale_norm: true,
        }),
      ),
    ends: ["NOT_FOUND"],
  },
  { what: "rows that are no matrix", run: () => MemoryLoader.create(ones([3])), ends: ["SHAPE_MISMATCH"] },
  {
    what: "rows of another dtype",
    run: () => MemoryLoader.create(Tensor.from(new BigInt64Array(6), [2, 3])),
    ends: ["SHAPE_MISMATCH"],
  },
  { what: "disposed rows", run: () => MemoryLoader.create(gone()), ends: ["DISPOSED"] },
  {
    what: "an order with a row past the last",
    run: () => MemoryLoader.create(ones([4, 3]), [0, 4]),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "an order with a negative row",
    run: () => MemoryLoader.create(ones([4, 3]), [-1]),
    ends: ["INVALID_ARGUMENT"],
  },
  { what: "a batch of no rows", run: () => loader().next(0), ends: ["INVALID_ARGUMENT"] },
  { what: "a batch of minus one row", run: () => loader().next(-1), ends: ["INVALID_ARGUMENT"] },
  { what: "a batch of NaN rows", run: () => loader().next(Number.NaN), ends: ["INVALID_ARGUMENT"] },
  {
    what: "a batch of all the rows in the world",
    run: () => loader().next(2 ** 53),
    ends: "quietly",
  },
  {
    what: "a batch with a signal that was aborted before",
    run: () => loader().next(2, { signal: aborted() }),
    ends: "reason",
  },
  {
    what: "a batch of a disposed loader",
    run: () => {
      const l = loader();
      l.dispose();
      return l.next(2);
    },
    ends: ["DISPOSED"],
  },
  {
    what: "a state that is none",
    run: () => loader().restore("nonsense"),
    ends: ["INVALID_ARGUMENT", "BAD_FILE"],
  },
  { what: "a permutation of minus one", run: () => numpyPermutation(1, -1), ends: ["INVALID_ARGUMENT"] },
  {
    what: "a permutation with a negative seed",
    run: () => numpyPermutation(-1, 5),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "more of a permutation than there is",
    run: () => numpyPermutation(1, 5, { count: 6 }),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "a permutation of more than memory holds",
    run: () => numpyPermutation(1, 2 ** 52),
    ends: ["INVALID_ARGUMENT", "OUT_OF_MEMORY"],
  },
];
