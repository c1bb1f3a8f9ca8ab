import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { readTensor, SaevError, type Tensor, TensorFile } from "@saev/core";
import { statisticsFpath } from "../../statistics-file.js";
import type { Histogram } from "../api.js";

/** A latent's images as its tables have them, each once, those in which it fires. */
export interface RankedRows {
  /** Index in the dataset. */
  readonly images: readonly number[];
  readonly scores: readonly number[];
  /** The strongest patch of each; −1 without heat maps. */
  readonly topPatches: readonly number[];
  /** float32 `[images, patches]`. */
  readonly maps: Float32Array;
}

/**
 * The tables of a `sort_by_<x>` folder, ours or the Python package's, on mapped files: a latent's rows are read when they
 * are asked for, and memory does not grow with the folder.
 */
export class Tables {
  readonly dSae: number;
  readonly topK: number;
  /** Values of an image's heat map; 1 without one. */
  readonly patches: number;
  /** float32 `[d_sae]` each; `percentile` NaN where there is no file. */
  readonly frequency: Float32Array;
  readonly mean: Float32Array;
  readonly max: Float32Array;
  readonly percentile: Float32Array;
  readonly best: Float32Array;
  /** Which percentile `percentile` is. */
  readonly p: number | undefined;
  readonly rows: number | undefined;
  readonly nImages: number | undefined;

  readonly #topValues: Tensor;
  readonly #topImages: Tensor;
  readonly #statistics: TensorFile | undefined;

  private constructor(
    readonly folder: string,
    opened: {
      topValues: Tensor;
      topImages: Tensor;
      frequency: Float32Array;
      mean: Float32Array;
      percentile: { p: number; values: Float32Array } | undefined;
      statistics: TensorFile | undefined;
    },
  ) {
    const { topValues, topImages, frequency, mean, percentile, statistics } = opened;
    const [dSae = 0, topK = 0, patches = 1] = topValues.shape;
    this.dSae = dSae;
    this.topK = topK;
    this.patches = patches;
    this.frequency = frequency;
    this.mean = mean;
    this.percentile = percentile?.values ?? new Float32Array(dSae).fill(Number.NaN);
    this.p = percentile?.p;
    this.#topValues = topValues;
    this.#topImages = topImages;
    this.#statistics = statistics;
    const number = (name: string) => Number(statistics?.metadata.get(name)) || undefined;
    this.rows = number("rows");
    this.nImages = number("images");
    this.max = statistics ? statistics.get("max_values").toFloat32Array() : this.#firstMax();
    this.best = this.#firstImages();
  }

  /** @throws SaevError `NOT_FOUND`, `BAD_FILE` when a table is missing or the tables do not belong together. */
  static async open(folder: string): Promise<Tables> {
    const table = (name: string) => readTensor(path.join(folder, `${name}.pt`));
    const column = async (name: string) => {
      using tensor = await table(name);
      return tensor.toFloat32Array();
    };
    const [topValues, topImages, frequency, mean, statistics] = await Promise.all([
      table("top_values"),
      table("top_img_i"),
      column("sparsity"),
      column("mean_values"),
      existsSync(statisticsFpath(folder)) ? TensorFile.open(statisticsFpath(folder)) : undefined,
    ]);
    const [dSae, topK] = topValues.shape;
    const agree =
      (topValues.shape.length === 3 || topValues.shape.length === 2) &&
      topImages.shape.length === 2 &&
      topImages.shape[0] === dSae &&
      topImages.shape[1] === topK &&
      topImages.dtype === "int64" &&
      frequency.length === dSae &&
      mean.length === dSae;
    if (!agree) {
      throw new SaevError(
        "BAD_FILE",
        `${folder}: the tables do not belong together: top_values [${topValues.shape}], top_img_i [${topImages.shape}], ` +
          `sparsity [${frequency.length}], mean_values [${mean.length}]; make them again with saev visuals`,
      );
    }
    const percentile = await percentileTable(folder, frequency.length);
    return new Tables(folder, { topValues, topImages, frequency, mean, percentile, statistics });
  }

  /** @param latent 0 to dSae − 1. */
  ranked(latent: number): RankedRows {
    using imageRow = this.#topImages.narrow(0, latent, 1);
    using valueRows = this.#topValues.narrow(0, latent, 1);
    const indices = imageRow.toTypedArray() as BigInt64Array;
    const values = valueRows.toFloat32Array();
    const heat = this.#topValues.shape.length === 3;
    const seen = new Set<number>();
    const kept: { image: number; rank: number; score: number; topPatch: number }[] = [];
    for (let rank = 0; rank < this.topK; rank++) {
      const image = Number(indices[rank]);
      const map = values.subarray(rank * this.patches, (rank + 1) * this.patches);
      const topPatch = argmax(map);
      // The Python package lists an image once for each of its patches, and silent ones at the end.
      if (seen.has(image) || !map.some((value) => value !== 0)) continue;
      seen.add(image);
      kept.push({ image, rank, score: map[topPatch]!, topPatch: heat ? topPatch : -1 });
    }
    const maps = new Float32Array(kept.length * this.patches);
    kept.forEach(({ rank }, i) => {
      maps.set(values.subarray(rank * this.patches, (rank + 1) * this.patches), i * this.patches);
    });
    return {
      images: kept.map((k) => k.image),
      scores: kept.map((k) => k.score),
      topPatches: kept.map((k) => k.topPatch),
      maps,
    };
  }

  /** How a latent's firing values are distributed, where the folder says so. */
  histogram(latent: number): Histogram | undefined {
    if (!this.#statistics) return undefined;
    const at = (name: string) => {
      using all = this.#statistics!.get(name);
      using row = all.narrow(0, latent, 1);
      return row.toTypedArray();
    };
    return {
      log10: Boolean(at("histogram_log10")[0]),
      lo: Number(at("histogram_lo")[0]),
      hi: Number(at("histogram_hi")[0]),
      counts: Array.from(at("histogram_counts"), Number),
    };
  }

  /** Of every latent, the largest value in its first image. */
  #firstMax(): Float32Array {
    using first = this.#topValues.narrow(1, 0, 1);
    const values = first.toFloat32Array();
    return Float32Array.from({ length: this.dSae }, (_, latent) => {
      const map = values.subarray(latent * this.patches, (latent + 1) * this.patches);
      return map[argmax(map)]!;
    });
  }

  #firstImages(): Float32Array {
    using first = this.#topImages.narrow(1, 0, 1);
    const images = first.toTypedArray() as BigInt64Array;
    return Float32Array.from(images, (image, latent) => (this.frequency[latent]! > 0 ? Number(image) : -1));
  }

  dispose(): void {
    this.#topValues.dispose();
    this.#topImages.dispose();
    this.#statistics?.dispose();
  }
}

function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

async function percentileTable(folder: string, dSae: number) {
  const name = readdirSync(folder).find((file) => /^percentiles_p\d+\.pt$/.test(file));
  if (name === undefined) return undefined;
  using tensor = await readTensor(path.join(folder, name));
  const values = tensor.toFloat32Array();
  return values.length === dSae ? { p: Number(/\d+/.exec(name)![0]), values } : undefined;
}
