import path from "node:path";
import type { Evaluate, ReportedFidelity, ReportedSae } from "@saev/config";
import { resolveDevice } from "../device.js";
import { SaevError } from "../errors.js";
import { ActivationLoader } from "../loading/activation-loader.js";
import { asTrained } from "../loading/as-trained.js";
import type { LongCallOptions } from "../native/call.js";
import { SparseAutoencoder } from "../sae/sparse-autoencoder.js";
import { ShardFolder } from "../shards/shard-folder.js";
import { readRunRecord } from "../training/run-record.js";
import { dictionaryFigures, dictionaryRecord } from "./dictionary.js";
import { EvaluationSums } from "./evaluation-sums.js";
import { type FidelityParts, measureFidelity } from "./fidelity.js";
import { type Evaluation, evaluationRecord, prefixRecords } from "./figures.js";
import { imageLabels, imagesOfShards, patchClasses } from "./label-sources.js";
import { LabelProbes } from "./probe-labels.js";
import { usualPrefixes } from "./usual-prefixes.js";

export interface EvaluateSaeProgress {
  /** `encoding` counts activations, `dictionary` latents, `fidelity` images. */
  readonly stage: "encoding" | "dictionary" | "fidelity";
  readonly done: number;
  readonly total: number;
}

export interface EvaluateSaeOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: EvaluateSaeProgress) => void) | undefined;
  /** Where warnings go. Default: `process.emitWarning`. */
  readonly warn?: ((message: string) => void) | undefined;
}

/**
 * Everything that `saev evaluate` says of one SAE, in one pass over the data: figures, frequencies, probes where there are
 * labels, the dictionary, fidelity. What cannot be measured is null, and a note says why.
 * @throws SaevError `NOT_FOUND`, `BAD_FILE`, `SHAPE_MISMATCH`, `NUMERIC`, `INVALID_ARGUMENT`.
 */
export async function evaluateSae(cfg: Evaluate, options: EvaluateSaeOptions = {}): Promise<ReportedSae> {
  const { signal } = options;
  resolveDevice(cfg.device, { warn: options.warn });
  const shards = await ShardFolder.open(cfg.data.shard_root);
  shards.requireComplete();
  using sae = await SparseAutoencoder.load(cfg.ckpt, { signal });
  const prefixes = prefixesOf(cfg, sae);
  using trained = await asTrained(cfg.data, sae.scaling, cfg.ckpt);
  using loader = await ActivationLoader.open(trained.config, {
    ...trained.options,
    order: "ordered",
    nWorkers: cfg.n_workers,
    signal,
    ...(options.warn && { warn: options.warn }),
  });
  const notes: string[] = [];
  const wanted = cfg.probes || cfg.n_images > 0;
  const images = wanted ? await imagesOfShards(shards, cfg.images) : undefined;
  const probes = await openProbes(cfg, shards, images, sae.dSae, notes, signal);
  try {
    using sums = EvaluationSums.create(sae, prefixes);
    let done = 0;
    for await (const batch of loader.batches(cfg.sae_batch_size, { signal })) {
      using _ = batch;
      using latents = await sums.add(sae, batch.acts, { signal });
      for (const probe of [probes.images, probes.patches]) await probe?.add(batch, latents, { signal });
      done += batch.acts.shape[0]!;
      options.onProgress?.({ stage: "encoding", done, total: loader.length });
    }
    const evaluation = sums.figures({
      almostDeadThreshold: cfg.almost_dead_threshold,
      denseThreshold: cfg.dense_threshold,
    });
    const told = (stage: EvaluateSaeProgress["stage"]) => ({
      signal,
      onProgress: (p: { done: number; total: number }) => options.onProgress?.({ stage, ...p }),
    });
    return {
      ckpt: cfg.ckpt,
      shard_root: cfg.data.shard_root,
      layer: cfg.data.layer,
      patches: cfg.data.patches,
      d_vit: sae.dVit,
      d_sae: sae.dSae,
      activation: sae.activation.kind,
      figures: finite(evaluationRecord(evaluation)),
      prefixes: prefixRecords(evaluation),
      frequencies: frequenciesOf(evaluation),
      dictionary: cfg.dictionary ? dictionaryRecord(await dictionaryFigures(sae, told("dictionary"))) : null,
      image_probes: (await probes.images?.finish({ signal })) ?? null,
      patch_probes: (await probes.patches?.finish({ signal })) ?? null,
      fidelity: await fidelityOf(
        cfg,
        { sae, loader, shards, mean: evaluation.mean },
        images,
        notes,
        told("fidelity"),
      ),
      notes,
    };
  } finally {
    probes.images?.[Symbol.dispose]();
    probes.patches?.[Symbol.dispose]();
  }
}

/** Lengths asked for, or those that show what a Matryoshka SAE learnt. */
function prefixesOf(cfg: Evaluate, { dSae }: SparseAutoencoder): readonly number[] {
  if (cfg.prefixes.length > 0) {
    const ascending = cfg.prefixes.every((m, i) => m > (cfg.prefixes[i - 1] ?? 0));
    if (ascending && cfg.prefixes.at(-1)! < dSae) return cfg.prefixes;
    throw new SaevError(
      "INVALID_ARGUMENT",
      `prefixes: expected numbers of latents that ascend and stay below ${dSae}, found ${cfg.prefixes.join(" ")}`,
    );
  }
  return isMatryoshka(cfg.ckpt) ? usualPrefixes(dSae) : [];
}

function isMatryoshka(ckpt: string): boolean {
  try {
    return readRunRecord(path.dirname(ckpt)).config.objective.kind === "matryoshka";
  } catch {
    return false; // no run, or one that does not say
  }
}

async function openProbes(
  cfg: Evaluate,
  shards: ShardFolder,
  images: FoundImages | undefined,
  dSae: number,
  notes: string[],
  signal: AbortSignal | undefined,
): Promise<{ images?: LabelProbes; patches?: LabelProbes }> {
  if (!cfg.probes || images === undefined) return {};
  const found: { images?: LabelProbes; patches?: LabelProbes } = {};
  if ("reason" in images) notes.push(`no probes of image labels: ${images.reason}`);
  else {
    const labels = await imageLabels(images.dataset, signal);
    if (labels === undefined) notes.push("no probes of image labels: the images have fewer than two labels");
    else found.images = new LabelProbes(dSae, labels, undefined, cfg.seed);
  }
  if (cfg.data.patches !== "patches") return found;
  const patches = await patchClasses(shards);
  if (patches !== undefined)
    found.patches = new LabelProbes(dSae, patches, shards.metadata.n_patches_per_img, cfg.seed);
  return found;
}

type FoundImages = Awaited<ReturnType<typeof imagesOfShards>>;

/** Null with a note where it cannot be measured. */
async function fidelityOf(
  cfg: Evaluate,
  parts: Omit<FidelityParts, "dataset">,
  images: FoundImages | undefined,
  notes: string[],
  options: LongCallOptions,
): Promise<ReportedFidelity | null> {
  if (cfg.n_images === 0 || images === undefined) return null;
  const found =
    "reason" in images ? images : await measureFidelity(cfg, { ...parts, dataset: images.dataset }, options);
  if (!("reason" in found)) return found;
  notes.push(`no fidelity: ${found.reason}`);
  return null;
}

/** JSON has no NaN. */
const finite = (figures: Readonly<Record<string, number>>): Record<string, number | null> =>
  Object.fromEntries(Object.entries(figures).map(([name, v]) => [name, Number.isFinite(v) ? v : null]));

/** Half a decade a bin. */
const perDecade = 2;

function frequenciesOf(e: Evaluation): ReportedSae["frequencies"] {
  const lo = -Math.max(1, Math.ceil(Math.log10(e.nRows)));
  const counts = new Array<number>(-lo * perDecade).fill(0);
  for (const frequency of e.freqs.toFloat32Array()) {
    if (frequency === 0) continue;
    const bin = Math.floor((Math.log10(frequency) - lo) * perDecade);
    counts[Math.min(counts.length - 1, Math.max(0, bin))]!++;
  }
  return { lo, hi: 0, counts };
}
