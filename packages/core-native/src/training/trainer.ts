import type { BatchSource } from "../loading/batch-source.js";
import type { Handle, NativeProgress } from "../native/addon.js";
import { callAsync, callSync, type LongCallOptions } from "../native/call.js";
import { addon } from "../native/load.js";
import { Resource } from "../native/resource.js";
import type { NativeStepTimes } from "../native/sae.js";
import { SparseAutoencoder } from "../sae/sparse-autoencoder.js";
import { fromNativeParams, type SaeTensors, toNativeParams } from "../sae/tensors.js";
import { Tensor } from "../tensor.js";
import { type SaeTraining, toNativeTraining } from "./sae-training.js";
import type { SaeStepMetrics } from "./step-metrics.js";

export type { SaeStepMetrics } from "./step-metrics.js";

/** A log entry of a run: SAE number `sae` in step `step`, on `rows` activations. */
export interface TrainLog extends Omit<SaeStepMetrics, "prefixes" | "dropped"> {
  readonly sae: number;
  readonly step: number;
  readonly rows: number;
}

/** Gradients as given to Adam, and `rawWDec` before the parallel part was removed. */
export interface SaeGradients extends SaeTensors {
  readonly rawWDec: Tensor;
}

/** What {@link Trainer.step} returns. */
export interface StepResult {
  /** In the order of {@link Trainer.add}. */
  readonly saes: readonly SaeStepMetrics[];
  /** Present when asked for. */
  readonly gradients: readonly SaeGradients[];
  /** Milliseconds by phase; the last four are parts of `backward`. */
  readonly times: NativeStepTimes;
}

export interface TrainRunOptions extends LongCallOptions<{ readonly done: number; readonly total: number }> {
  /** Activations per step. */
  readonly batchSize: number;
  /**
   * Activations in all, counted as the Python package does: every batch as `batchSize`, until more than this; at the
   * end of an epoch one batch is uncounted.
   */
  readonly nPatches: number;
  /** Steps between two calls of `onLog`. Default 25. */
  readonly logEvery?: number;
  /** Called for each SAE every `logEvery` steps. */
  readonly onLog?: (entry: TrainLog) => void;
  /** Called when the loss of an SAE is not finite, with the steps made; see {@link Trainer.dropped}. The others go on. */
  readonly onDrop?: (drop: { readonly sae: number; readonly step: number }) => void;
  /** Ends the call after the step that is being made. */
  readonly pause?: AbortSignal;
  /** Ends the call whenever so many steps have been made in all. Default: never. */
  readonly pauseEvery?: number;
  /** Ends the call when so many steps have been made in all. Default: never. */
  readonly pauseAt?: number;
}

/** Where {@link Trainer.run} ended. */
export interface RunEnd {
  /** Steps made in all. */
  readonly steps: number;
  /** Whether `nPatches` were reached; false after a pause. */
  readonly ended: boolean;
  /** Seconds of this call in which a step waited for its batch. */
  readonly waited: number;
}

/**
 * Trains several sparse autoencoders on the same batches, one read of the data for all. They share d_vit; everything
 * else, d_sae included, may differ.
 *
 * ```ts
 * using trainer = Trainer.create(384);
 * trainer.add(initialTensors(384, 3072, { seed: 0 }), { lr: 4e-4, sparsityCoeff: 4e-4 });
 * await trainer.run(loader, { batchSize: 4096, nPatches: 1_000_000, onLog: (e) => console.log(e.step, e.loss) });
 * const sae = trainer.sae(0);
 * ```
 */
export class Trainer extends Resource<"Trainer"> {
  /** A trainer for activations of width `dVit`. */
  static create(dVit: number): Trainer {
    return new Trainer(callSync(() => addon().trainer(dVit)));
  }

  private constructor(handle: Handle<"Trainer">) {
    super(handle);
  }

  /**
   * Adds an SAE that starts from `start` (copied; see {@link initialTensors}) and returns its number.
   * @throws SaevError `SHAPE_MISMATCH`, `NUMERIC`, `INVALID_ARGUMENT`.
   */
  add(start: SaeTensors, training: SaeTraining = {}): number {
    return callSync(() => addon().trainerAdd(this.handle, toNativeParams(start), toNativeTraining(training)));
  }

  /** Steps done. */
  get steps(): number {
    return callSync(() => addon().trainerSteps(this.handle));
  }

  /**
   * One step of every SAE on `x`, float32 [rows, d_vit].
   * @param options.prefixes for every SAE, in place of drawn ones.
   *
   * An SAE whose loss is not finite is dropped: it makes no more steps, and its weights are those that gave that loss, finite or
   * not; the others go on. Good weights are those of its last {@link save}.
   * @throws SaevError `NUMERIC` when none is left, or when the batch is to blame: nothing is dropped then.
   */
  async step(
    x: Tensor,
    options?: LongCallOptions & { readonly gradients?: boolean; readonly prefixes?: readonly number[] },
  ): Promise<StepResult> {
    const native = await callAsync(options, (control) =>
      addon().trainerStep(
        this.handle,
        x.handle,
        options?.gradients ?? false,
        options?.prefixes ?? [],
        control,
      ),
    );
    return {
      ...native,
      gradients: native.gradients.map((g) => ({
        ...fromNativeParams(g),
        rawWDec: Tensor.fromHandle(g.rawWDec),
      })),
    };
  }

  /**
   * Trains on `source`, epoch after epoch, until `nPatches` or a pause. After a pause, an abort, an error or {@link restore} the
   * next call goes on with the very batch that comes next, to the same bits as without. After an abort each SAE is as after a
   * whole step; some may be one ahead, which they then do not make again.
   * @throws SaevError `NUMERIC`, naming step and SAE, when no SAE is left whose loss is finite, or the data is to blame; see
   * {@link step}.
   */
  async run(source: BatchSource, options: TrainRunOptions): Promise<RunEnd> {
    const { onLog, onDrop, onProgress, pause } = options;
    const flag = pause && addon().abortFlag();
    const onPause = () => flag && addon().abort(flag);
    if (pause?.aborted) onPause();
    pause?.addEventListener("abort", onPause, { once: true });
    const route = (progress: NativeProgress) => {
      if ("sae" in progress) {
        const { done: _done, total: _total, ...entry } = progress;
        onLog?.(entry as unknown as TrainLog);
      } else if ("dropped" in progress) {
        const { dropped, step } = progress as unknown as { dropped: number; step: number };
        onDrop?.({ sae: dropped, step });
      } else {
        onProgress?.(progress);
      }
    };
    try {
      return await callAsync({ signal: options.signal, onProgress: route }, (control) =>
        addon().trainerRun(
          this.handle,
          source.handle,
          {
            nPatches: options.nPatches,
            batchSize: options.batchSize,
            logEvery: onLog ? (options.logEvery ?? 25) : 0,
            pauseEvery: options.pauseEvery ?? 0,
            pauseAt: options.pauseAt ?? 0,
            ...(flag && { pause: flag }),
          },
          control,
        ),
      );
    } finally {
      pause?.removeEventListener("abort", onPause);
      if (flag) addon().dispose(flag);
    }
  }

  /**
   * Writes all that an SAE's training needs to go on, and where the run is: parameters, moments, counters, the source's position.
   * The file is safetensors with a checksum; under its name it is whole and on disk, or not there.
   * @param metadata texts of the caller's, kept in the file.
   * @throws SaevError `NUMERIC` for an SAE that was dropped or whose last update made weights that are not finite,
   * `INVALID_ARGUMENT` for one that was stopped, `IO`.
   */
  async save(
    sae: number,
    path: string,
    metadata: Readonly<Record<string, string>> = {},
    options?: LongCallOptions,
  ): Promise<void> {
    await callAsync(options, (control) => addon().trainerSave(this.handle, sae, path, metadata, control));
  }

  /**
   * Puts an SAE, and the run, where {@link save} found them. Files of SAEs that go on together must be of the same step.
   * @throws SaevError `BAD_FILE` for a damaged file, `SHAPE_MISMATCH` for one of an SAE of another kind or size,
   * `INVALID_ARGUMENT` for one of another step. The SAE is then as it was.
   */
  async restore(sae: number, path: string, options?: LongCallOptions): Promise<void> {
    await callAsync(options, (control) => addon().trainerRestore(this.handle, sae, path, control));
  }

  /** Whether an SAE makes steps and its state can be saved: false once it was dropped or stopped. */
  canSave(sae: number): boolean {
    return callSync(() => addon().trainerCanSave(this.handle, sae));
  }

  /** What messages call an SAE; at first "SAE 0" and so on. */
  name(sae: number, name: string): void {
    callSync(() => addon().trainerName(this.handle, sae, name));
  }

  /** No more steps of this SAE: its parameters stay, what only further steps need is freed. The others go on. */
  stop(sae: number): void {
    callSync(() => addon().trainerStop(this.handle, sae));
  }

  /** Why an SAE was dropped, or undefined. */
  dropped(sae: number): string | undefined {
    return callSync(() => addon().trainerDropped(this.handle, sae)) || undefined;
  }

  /** Copies of an SAE's parameters as they are now. */
  tensors(sae: number): SaeTensors {
    return fromNativeParams(callSync(() => addon().trainerParams(this.handle, sae)));
  }

  /** An SAE as it is now, to encode with, evaluate or save. */
  sae(sae: number): SparseAutoencoder {
    return SparseAutoencoder.fromHandle(callSync(() => addon().trainerSae(this.handle, sae)));
  }

  /** int64 [d_sae]: activations since each latent of an SAE fired, where that is counted; else zeros. */
  sinceActive(sae: number): Tensor {
    return Tensor.fromHandle(callSync(() => addon().trainerSinceActive(this.handle, sae)));
  }
}
