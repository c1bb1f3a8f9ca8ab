import type { Pixels } from "@saev/core";
import type { GalleryContent, GalleryLatent } from "../gallery/data.js";
import { frequencyPlot } from "../plots.js";

const side = 8;

/** A picture that differs for every image: a gradient with a disc. */
export function testPicture(i: number): Pixels {
  const size = 448;
  const data = new Uint8Array(size * size * 3);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const at = 3 * (y * size + x);
      const disc = (x - 120 - 12 * i) ** 2 + (y - 224) ** 2 < 90 ** 2;
      data[at] = disc ? 240 : (40 * i + x / 4) % 256;
      data[at + 1] = disc ? 200 - 10 * i : (80 + y / 5) % 256;
      data[at + 2] = disc ? 60 : (160 + 17 * i) % 256;
    }
  }
  return { width: size, height: size, data };
}

const labels = ["plants", "animals", "zebra crossings", `<img src=x onerror="alert('1')">`, "town", ""];
const names = [
  "a.jpg",
  "b.jpg",
  "stripes.png",
  "</script><b>\"ʻžé'.jpg",
  "ein sehr langer Name ".repeat(6),
  "f.jpg",
];

/** Patch values with the largest at row 2, column 3. */
function values(strength: number): Float32Array {
  const out = new Float32Array(side * side);
  for (let p = 0; p < out.length; p++) {
    const x = p % side;
    const y = Math.floor(p / side);
    const d = (x - 2) ** 2 + (y - 1) ** 2;
    if (d < 8) out[p] = strength * Math.exp(-d / 3);
  }
  return out;
}

function latent(id: number, frequency: number, images: readonly number[]): GalleryLatent {
  const fires = frequency > 0;
  return {
    latent: id,
    frequency,
    meanValue: fires ? 0.2 + id / 50 : Number.NaN,
    maxValue: fires ? 2 + id / 20 : 0,
    percentile: frequency > 0.01 ? 0.9 : 0,
    firingPercentile: fires ? 1.7 : Number.NaN,
    histogram: fires
      ? {
          log10: true,
          lo: -2,
          hi: 0.4,
          counts: Array.from({ length: 40 }, (_, i) => Math.round(90 * Math.exp(-(((i - 22) / 8) ** 2)))),
        }
      : { log10: false, lo: 0, hi: 0, counts: new Array(40).fill(0) },
    upper: fires ? 2 : 0,
    images: images.map((image, rank) => ({
      image,
      score: 2 / (rank + 1),
      topPatch: side + 2,
      values: values(2 / (rank + 1)),
    })),
  };
}

/** Eight latents of all states over six images, some with names that would like to be markup. */
export function testContent(): GalleryContent {
  return {
    title: "checkpoints/<b>demo</b> & co",
    sortBy: "patch",
    p: 99,
    rows: 6400,
    nImages: 6,
    counts: { alive: 50, dense: 4, "almost dead": 0, dead: 10 },
    overview: frequencyPlot(
      [
        { log10Freq: -2, log10Value: 0, shown: true },
        { log10Freq: -3, log10Value: -0.5, shown: false },
      ],
      { logFreqRange: [-4, -1], logValueRange: [-1, 1] },
    ),
    latents: [
      latent(5, 0.004, [0, 1, 2, 4]),
      latent(40, 0.3, [1, 0, 4, 5, 3]),
      latent(3, 0, []),
      latent(12, 0.001, [2, 2, 0]),
      latent(7, 0.0052, [4, 5, 0, 1]),
      latent(61, 0.0007, [3, 4]),
      latent(9, 0.0009, [5]),
      latent(22, 0.002, [1, 4, 5, 0]),
    ],
    caption: (image) => ({ label: labels[image] ?? "", name: names[image] ?? "" }),
  };
}
