import { ActivationLoader, MemoryLoader, numpyPermutation, ShardFolder, Tensor } from "@saev/core";
import { aborted, gone, type Misuse, ones, raw, wrong } from "../misuse.js";

/** A source of live activations of four images, in blocks of one, that nobody feeds. */
const live = (over: object = {}) =>
  raw((native) =>
    native.liveSource({
      ...{ images: [0, 2, 3], nImgs: 4, nLayers: 1, nTokens: 2, dVit: 2, clsToken: true, patches: "patches" },
      ...{ layers: "one", layer: 0, clamp: 1, scalar: 1, order: "shuffled", seed: 0, imagesPerBlock: 1 },
      ...{ threads: 1, ...over },
    }),
  );

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
  { what: "live activations of no image", run: () => live({ images: [] }), ends: ["INVALID_ARGUMENT"] },
  {
    what: "live activations of an image past the last",
    run: () => live({ images: [0, 4] }),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "live activations of more images than can be counted",
    run: () => live({ nImgs: 2 ** 53, nTokens: 2 ** 20, dVit: 2 ** 20 }),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "live activations of a layer that is not there",
    run: () => live({ layer: 1 }),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "tokens of another shape",
    run: () => raw((native) => native.liveFeedGive(live().feed, 0, 0, ones([1, 1, 2, 3]).handle, {})),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "tokens that nobody asked for",
    run: () => raw((native) => native.liveFeedGive(live().feed, 0, 0, ones([1, 1, 2, 2]).handle, {})),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "a live source whose feed has failed",
    run: () => {
      const { source, feed } = live();
      raw((native) => native.liveFeedFail(feed, "BAD_FILE", "no picture"));
      return raw((native) => native.batchSourceNext({}, source, 1));
    },
    ends: ["BAD_FILE"],
  },
  {
    what: "a failure with a code that is none",
    run: () => raw((native) => native.liveFeedFail(live().feed, "NOTHING", "no picture")),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "a live source whose feed was closed",
    run: () => {
      const { source, feed } = live();
      raw((native) => native.liveFeedClose(feed));
      return raw((native) => native.batchSourceNext({}, source, 1));
    },
    ends: ["DISPOSED"],
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
