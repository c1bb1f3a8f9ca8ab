import { SparseAutoencoder } from "@saev/core";
import { aborted, gone, type Misuse, ones, smallSae } from "../misuse.js";

export const misuses: readonly Misuse[] = [
  {
    what: "encoder and decoder that do not fit",
    run: () =>
      SparseAutoencoder.from({ wEnc: ones([2, 3]), bEnc: ones([3]), wDec: ones([2, 3]), bDec: ones([2]) }),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "bias of another width",
    run: () =>
      SparseAutoencoder.from({ wEnc: ones([2, 3]), bEnc: ones([2]), wDec: ones([3, 2]), bDec: ones([2]) }),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "weights with a NaN",
    run: () =>
      SparseAutoencoder.from({
        wEnc: ones([2, 3], Number.NaN),
        bEnc: ones([3]),
        wDec: ones([3, 2]),
        bDec: ones([2]),
      }),
    ends: ["NUMERIC"],
  },
  {
    what: "disposed weights",
    run: () => SparseAutoencoder.from({ wEnc: gone(), bEnc: ones([3]), wDec: ones([3, 2]), bDec: ones([2]) }),
    ends: ["DISPOSED"],
  },
  {
    what: "encoding activations of another width",
    run: () => smallSae().encode(ones([4, 5])),
    ends: ["SHAPE_MISMATCH"],
  },
  { what: "encoding a vector", run: () => smallSae().encode(ones([2])), ends: ["SHAPE_MISMATCH"] },
  {
    what: "encoding with a disposed SAE",
    run: () => {
      const s = smallSae();
      s.dispose();
      return s.encode(ones([4, 2]));
    },
    ends: ["DISPOSED"],
  },
  { what: "encoding disposed activations", run: () => smallSae().encode(gone()), ends: ["DISPOSED"] },
  {
    what: "encoding with a signal that was aborted before",
    run: () => smallSae().encode(ones([4, 2]), { signal: aborted() }),
    ends: "reason",
  },
  {
    what: "aborting after the end",
    run: async () => {
      const c = new AbortController();
      await smallSae().encode(ones([4, 2]), { signal: c.signal });
      c.abort();
    },
    ends: "quietly",
  },
  {
    what: "disposing an SAE while it encodes",
    run: async () => {
      const s = smallSae();
      const p = s.encode(ones([4, 2]));
      s.dispose();
      await p;
    },
    ends: "quietly",
  },
];
