import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { documentText, type ResolvedTrain, Train } from "@saev/config";
import { SaevError } from "../errors.js";
import { FolderLock } from "../io/folder-lock.js";
import { makeFolder } from "../io/make-folder.js";
import { writeText } from "../io/write-text.js";
import { type Scaling, scalingHeader, scalingKey } from "../sae/scaling.js";
import { type HeldOut, writeHeldOut } from "./held-out.js";
import { MetricsFile } from "./metrics-file.js";
import { type RunEvaluation, runRecord } from "./run-evaluation.js";
import {
  type RunEvent,
  type RunRecord,
  type RunStatus,
  readRunRecord,
  writeRunRecord,
} from "./run-record.js";
import { pruneStates, statePath } from "./run-states.js";
import type { Trainer, TrainLog } from "./trainer.js";

/**
 * Where one run's files go: `<ckpt_path>/<run id>/` with config.json, run.json, metrics.jsonl, states/, sae.pt and
 * evaluation.json (docs/training.md). The id sorts by time of start and is unique in its parent, also among processes that
 * start together. The folder is locked while it is open.
 */
export class RunFolder {
  /** What is done to its activations before the SAE sees them; known once they are open, and written into sae.pt. */
  scaling: Scaling | undefined;
  /** The step of the last evaluation on what is not trained on; 0: there was none. */
  validated = 0;
  #metrics: MetricsFile | undefined;

  private constructor(
    readonly runId: string,
    readonly dir: string,
    readonly cfg: ResolvedTrain,
    private readonly lock: FolderLock,
    private record: RunRecord,
  ) {}

  /**
   * Makes the folder of a new run and what lies in it from the start.
   * @param orderSeed seed of the order of the activations; `data` their fingerprint; `together` how many SAEs begin together;
   * `heldOut` the images that it sets aside.
   * @throws SaevError `IO`.
   */
  static async create(
    cfg: ResolvedTrain,
    {
      orderSeed,
      data,
      together,
      heldOut,
    }: {
      readonly orderSeed: number;
      readonly data: string;
      readonly together: number;
      readonly heldOut?: HeldOut | undefined;
    },
  ): Promise<RunFolder> {
    const { runId, dir } = claim(cfg.ckpt_path);
    const record: RunRecord = {
      version: 1,
      run_id: runId,
      status: "training",
      steps: 0,
      order_seed: orderSeed,
      together,
      data,
      config: cfg,
      history: [],
    };
    const run = new RunFolder(runId, dir, cfg, FolderLock.take(dir, busy(dir)), record);
    try {
      await run.note("training", {
        event: "started",
        step: 0,
        ...(cfg.init_from !== "" && { init_from: cfg.init_from }),
      });
      await run.#writeConfig();
      if (heldOut) await writeHeldOut(dir, heldOut);
      run.#openMetrics(0);
      return run;
    } catch (error) {
      run.close();
      throw error;
    }
  }

  /**
   * Opens a run that is there, to go on with `cfg`.
   * @throws SaevError `IO` while another process has it, and as {@link readRunRecord}.
   */
  static open(dir: string, cfg: ResolvedTrain): RunFolder {
    const lock = FolderLock.take(dir, busy(dir));
    try {
      const record = readRunRecord(dir);
      return new RunFolder(record.run_id, dir, cfg, lock, record);
    } catch (error) {
      lock.dispose();
      throw error;
    }
  }

  /** The SAE. */
  get checkpoint(): string {
    return path.join(this.dir, "sae.pt");
  }

  /** What the activations were when the run began. */
  get data(): string {
    return this.record.data;
  }

  /** How many SAEs were trained together when the run began. */
  get together(): number {
    return this.record.together ?? 1;
  }

  /**
   * Makes ready to go on after `step` steps: the config as it is now, metrics and evaluations as they were then.
   * @param metricsBytes of metrics.jsonl that are from before.
   */
  async goOn(
    step: number,
    { metricsBytes, validated }: { readonly metricsBytes: number; readonly validated: number },
    changes: NonNullable<RunEvent["changes"]>,
  ): Promise<void> {
    this.validated = validated;
    await this.note("training", {
      event: "went on",
      step,
      ...(Object.keys(changes).length > 0 && { changes }),
    });
    await this.#writeConfig();
    this.#openMetrics(metricsBytes);
  }

  /** Writes down what happened. @throws SaevError `IO`. */
  async note(status: RunStatus, event: Omit<RunEvent, "time">): Promise<void> {
    const { event: what, step, ...more } = event;
    const entry = { event: what, step, time: new Date().toISOString(), ...more };
    const { history } = this.record;
    const record = { ...this.record, status, steps: step, config: this.cfg, history: [...history, entry] };
    await writeRunRecord(this.dir, record);
    this.record = record;
  }

  /** Appends an entry to metrics.jsonl; without `track` it does nothing. @throws SaevError `IO`; it is tried again with the next. */
  log(entry: TrainLog): void {
    const { kind } = this.cfg.sae;
    this.#metrics?.add({
      step: entry.step,
      loss: entry.loss,
      mse: entry.mse,
      sparsity: entry.sparsity,
      l0: entry.l0,
      l1: entry.l1,
      density: entry.density,
      lr: entry.lr,
      sparsity_coeff: entry.sparsityCoeff,
      ...(kind !== "relu" && { aux: entry.aux, n_dead: entry.nDead }),
      ...(kind === "batch-top-k" && { threshold: entry.threshold }),
    });
  }

  /** The same of an evaluation after `step` steps; its names have "val_" before them. @throws SaevError `IO`, as {@link log}. */
  logValidation(step: number, evaluation: RunEvaluation): void {
    const figures = Object.entries(runRecord(evaluation)).map(([name, value]) => [`val_${name}`, value]);
    this.#metrics?.add({ step, ...Object.fromEntries(figures) });
  }

  /** Writes the state of SAE number `i` of `trainer` as a checkpoint; older ones stay. @throws SaevError `IO`. */
  async writeState(trainer: Trainer, i: number): Promise<void> {
    const metrics = this.#metrics?.sync() ?? 0;
    await trainer.save(i, statePath(this.dir, trainer.steps), {
      run_id: this.runId,
      metrics_bytes: String(metrics),
      validated: String(this.validated),
      ...(this.scaling && { [scalingKey]: JSON.stringify(scalingHeader(this.scaling)[scalingKey]) }),
      config: JSON.stringify(this.cfg),
    });
  }

  /** Removes all checkpoints but the last ones that are to be kept. */
  async prune(): Promise<void> {
    await pruneStates(this.dir, this.cfg.checkpoint_keep);
  }

  /** Writes evaluation.json. @throws SaevError `IO`. */
  async writeEvaluation(e: RunEvaluation): Promise<void> {
    await writeText(path.join(this.dir, "evaluation.json"), `${JSON.stringify(runRecord(e), null, 2)}\n`);
  }

  /** Ends metrics.jsonl and lets others have the folder. */
  close(): void {
    this.#metrics?.close();
    this.#metrics = undefined;
    this.lock.dispose();
  }

  async #writeConfig(): Promise<void> {
    await writeText(path.join(this.dir, "config.json"), documentText(Train, this.cfg));
  }

  #openMetrics(bytes: number): void {
    if (!this.cfg.track) return;
    const file = path.join(this.dir, "metrics.jsonl");
    this.#metrics = MetricsFile.open(file, bytes);
    if (bytes > 0 && existsSync(file)) return;
    const { tag, wandb_project, log_every } = this.cfg;
    this.#metrics.add({ run_id: this.runId, tag, wandb_project, log_every });
  }
}

const busy = (dir: string): string => `${dir}: another process is training this run; wait for it, or stop it`;

function claim(parent: string): { runId: string; dir: string } {
  makeFolder(parent);
  for (;;) {
    const runId = newRunId();
    const dir = path.join(parent, runId);
    try {
      mkdirSync(dir);
      return { runId, dir };
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "EEXIST") continue;
      throw new SaevError("IO", `cannot make the run's folder ${dir}: ${(cause as Error).message}`, {
        cause,
      });
    }
  }
}

let last = 0;

/** Eight base-36 digits of milliseconds, ascending within a process, and four of chance: "mid3k2f0-7x2q". */
function newRunId(): string {
  last = Math.max(Date.now(), last + 1);
  const chance = Math.floor(Math.random() * 36 ** 4);
  return `${last.toString(36).padStart(8, "0")}-${chance.toString(36).padStart(4, "0")}`;
}
