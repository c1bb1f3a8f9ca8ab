import { statSync } from "node:fs";
import path from "node:path";
import { Worker } from "node:worker_threads";
import { nearestRows, SaevError, Tensor, TensorFile, writeSafetensors } from "@saev/core";
import type { MapState } from "../api.js";
import type { OpenView } from "../views/open-view.js";
import { decoderOf, livingRows } from "./decoder.js";

/** Neighbours of each latent that UMAP draws near. */
const nNeighbours = 14;

/** Fewer latents than this have no map worth looking at. */
const leastLatents = 20;

/**
 * Decoder directions of the latents that fire in two dimensions: UMAP (McInnes, Healy, Melville 2018) over cosine
 * distances. Computed once, in the background, and kept in `map.safetensors` beside the tables.
 */
export class LatentMap {
  #state: MapState = { state: "none" };
  #points: Float32Array | undefined;
  #running: Promise<void> | undefined;

  constructor(readonly view: OpenView) {}

  /** Where the work is; the first call begins it. */
  state(): MapState {
    this.#running ??= this.#make().catch((error: Error) => {
      this.#state = { state: "failed", why: error.message };
    });
    return this.#state;
  }

  /** float32 `[d_sae, 2]`, NaN for latents that never fire. @throws SaevError `NOT_FOUND` until it is ready. */
  points(): Float32Array {
    if (this.#points) return this.#points;
    throw new SaevError("NOT_FOUND", "the map is not ready");
  }

  async #make(): Promise<void> {
    const file = path.join(this.view.tables.folder, "map.safetensors");
    this.#state = { state: "making", done: 0 };
    const kept = await readKept(file, this.view);
    if (kept) this.#points = kept;
    else {
      this.#points = await this.#compute();
      // Only a convenience: a folder that cannot be written to has a map all the same.
      await writeKept(file, this.view, this.#points).catch(() => {});
    }
    this.#state = { state: "ready" };
  }

  async #compute(): Promise<Float32Array> {
    const { rows, latents } = await livingRows(this.view);
    if (latents.length < leastLatents) {
      throw new SaevError("INVALID_ARGUMENT", `only ${latents.length} latents fire: too few for a map`);
    }
    const progress = (done: number) => {
      this.#state = { state: "making", done };
    };
    const near = await nearestRows(rows, rows, nNeighbours, {
      skipSelf: true,
      onProgress: ({ done, total }) => progress((0.3 * done) / total),
    });
    rows.dispose();
    const layout = await umap(
      {
        rows: latents.length,
        k: near.index.shape[1]!,
        index: near.index.toTypedArray() as Int32Array,
        distance: near.cosine.toFloat32Array().map((cosine) => Math.max(0, 1 - cosine)),
        seed: 1,
      },
      (done) => progress(0.3 + 0.7 * done),
    );
    const points = new Float32Array(2 * this.view.tables.dSae).fill(Number.NaN);
    latents.forEach((latent, i) => {
      points.set(layout.subarray(2 * i, 2 * i + 2), 2 * latent);
    });
    return points;
  }
}

interface Layout {
  readonly rows: number;
  readonly k: number;
  /** `[rows, k]`. */
  readonly index: Int32Array;
  readonly distance: Float32Array;
  readonly seed: number;
}

/** `[rows, 2]`, computed by `assets/explorer/umap-worker.mjs`. */
function umap(workerData: Layout, onProgress: (done: number) => void): Promise<Float32Array> {
  const file = new URL("../../../assets/explorer/umap-worker.mjs", import.meta.url);
  return new Promise((resolve, reject) => {
    const worker = new Worker(file, { workerData, execArgv: [] });
    worker.unref();
    worker.on("error", reject);
    worker.on("message", (message: { done?: number; points?: Float32Array }) => {
      if (message.points) resolve(message.points);
      else onProgress(message.done ?? 0);
    });
  });
}

/** What the map depends on: another checkpoint makes another map. */
function stamp(view: OpenView): string {
  const { size, mtimeMs } = statSync(view.checkpoint!);
  return `${size} ${mtimeMs}`;
}

async function readKept(file: string, view: OpenView): Promise<Float32Array | undefined> {
  await decoderOf(view);
  try {
    using kept = await TensorFile.open(file);
    if (kept.metadata.get("checkpoint") !== stamp(view)) return undefined;
    using points = kept.get("points");
    return points.size === 2 * view.tables.dSae ? points.toFloat32Array() : undefined;
  } catch {
    return undefined;
  }
}

async function writeKept(file: string, view: OpenView, points: Float32Array): Promise<void> {
  using tensor = Tensor.from(points, [view.tables.dSae, 2]);
  await writeSafetensors(file, { points: tensor }, { metadata: { checkpoint: stamp(view) } });
}
