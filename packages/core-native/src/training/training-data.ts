import { totalmem } from "node:os";
import type { ResolvedTrain } from "@saev/config";
import { ActivationLoader } from "../loading/activation-loader.js";
import { asTrained } from "../loading/as-trained.js";
import type { BatchSource } from "../loading/batch-source.js";
import type { RowScaling } from "../loading/row-scaling.js";
import type { Scaling } from "../sae/scaling.js";
import { ShardFolder } from "../shards/shard-folder.js";
import { dataFingerprint } from "./data-fingerprint.js";
import { type HeldOut, holdOut, imagesWithout } from "./held-out.js";
import { openValidation, sampledImages, validationImages } from "./validation-data.js";

/** The activations that a party is trained on. */
export interface TrainingData extends Disposable {
  /** Shuffled. */
  readonly source: BatchSource & RowScaling;
  /** What tells these activations from others. */
  readonly fingerprint: string;
  /** What messages call them. */
  readonly name: string;
  /** Larger magnitudes of them are cut to ±clamp. */
  readonly clamp: number;
  /** Images of these that are set aside: no row of `source` is of one of them. */
  readonly heldOut: HeldOut | undefined;
  /** The rows that the SAEs are evaluated on while they train; `undefined`: none. The caller disposes of it. */
  validation(): Promise<BatchSource | undefined>;
  /**
   * The rows that they are evaluated on at the end: all that was set aside, else all. The caller disposes of it. Of live data
   * `source` is over then.
   */
  evaluation(): Promise<BatchSource>;
}

export interface TrainingDataOptions {
  /** Seed of the order. */
  readonly seed: number;
  /** Threads that read or decode. */
  readonly nWorkers: number;
  /** Whether the runs begin with this. */
  readonly fresh: boolean;
  /** How activations are scaled, in place of what the config asks for, and whose scaling that is. */
  readonly scaling?: { readonly scaling: Scaling; readonly of: string } | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly warn?: ((message: string) => void) | undefined;
}

/**
 * Opens what `cfg.data` names: shards, or images and a ViT.
 * @throws SaevError as {@link ActivationLoader.open} and {@link openLiveData}; `INVALID_ARGUMENT` where the config asks for another
 * scaling than `options.scaling`.
 */
export async function openTrainingData(
  asked: ResolvedTrain,
  options: TrainingDataOptions,
): Promise<TrainingData> {
  const { scaling } = options;
  using trained = await asTrained(asked.data, scaling?.scaling, scaling?.of ?? "");
  const cfg = { ...asked, data: trained.config };
  if (cfg.data.live) {
    const { openLiveData } = await import("./live-data.js");
    return await openLiveData(cfg, options, trained.options);
  }
  return await openShards(cfg, options, trained.options);
}

async function openShards(
  cfg: ResolvedTrain,
  options: TrainingDataOptions,
  given: { readonly scaling?: RowScaling },
): Promise<TrainingData> {
  const { seed, nWorkers, fresh, signal, warn } = options;
  const common = { nWorkers, signal, ...(warn && { warn }) };
  const { data, buffer } = cfg;
  const folder = await ShardFolder.open(data.shard_root);
  folder.requireComplete();
  const there = cfg.val_fraction > 0 ? imagesWithout(folder.imagesDone, folder.holes) : [];
  const heldOut = await holdOut(there, cfg, signal);
  const source = await ActivationLoader.open(data, {
    ...common,
    order: "shuffled",
    seed,
    buffer,
    ...given,
    ...(heldOut && { leaveOut: heldOut.images }),
  });
  if (buffer === 0 && fresh) warnOfDisk(source, warn);
  try {
    const fingerprint = await dataFingerprint(folder);
    const validated = await validationImages(cfg, { heldOut, fingerprint, dVit: source.dim });
    const sample = validated && (await sampledImages(validated, cfg, signal));
    const scaled = { ...common, scaling: source };
    return {
      source,
      fingerprint,
      name: data.shard_root,
      clamp: data.clamp,
      heldOut,
      validation: async () => sample && openValidation(sample, scaled),
      evaluation: async () =>
        validated
          ? openValidation(validated, scaled)
          : ActivationLoader.open(data, { ...scaled, order: "ordered" }),
      [Symbol.dispose]: () => source.dispose(),
    };
  } catch (error) {
    source.dispose();
    throw error;
  }
}

/** Random reads of activations that memory cannot keep wait for the disk at every row; nobody should find out by waiting. */
function warnOfDisk({ folder, length, dim }: ActivationLoader, warn: TrainingDataOptions["warn"]): void {
  const bytes = length * dim * 4;
  if (bytes < 0.8 * totalmem()) return;
  const gb = (n: number) => `${(n / 1e9).toFixed(n < 1e10 ? 1 : 0)} GB`;
  const rows = 2 ** 18;
  warn?.(
    `${folder.dir}: ${gb(bytes)} of activations do not fit in ${gb(totalmem())} of memory, so that rows in a random order wait for ` +
      `the disk; --buffer ${rows} reads in sequence and shuffles ${gb(rows * dim * 4)} at a time`,
  );
}
