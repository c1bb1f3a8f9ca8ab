import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import path from "node:path";
import { documentText, dSae, type ResolvedTrain, Train } from "@saev/config";
import { SaevError } from "../errors.js";
import { makeFolder } from "../io/make-folder.js";
import { requireRoom } from "../io/room.js";
import { writeText } from "../io/write-text.js";
import type { Evaluation } from "./evaluate.js";
import type { TrainLog } from "./trainer.js";

/**
 * Where one run's files go: `<ckpt_path>/<run id>/{config.json, metrics.jsonl, sae.pt, evaluation.json}`. The id sorts by
 * time of start and is unique in its parent, also among processes that start together.
 */
export class RunFolder {
  #metrics: number | undefined;

  private constructor(
    readonly runId: string,
    readonly dir: string,
    readonly cfg: ResolvedTrain,
  ) {}

  /** Makes the folder and writes config.json and, with `track`, the head of metrics.jsonl. @throws SaevError `IO`. */
  static async create(cfg: ResolvedTrain): Promise<RunFolder> {
    const run = RunFolder.#claim(cfg);
    await writeText(path.join(run.dir, "config.json"), documentText(Train, cfg));
    if (cfg.track) {
      run.#io(() => {
        run.#metrics = openSync(path.join(run.dir, "metrics.jsonl"), "a");
      });
      run.#line({
        run_id: run.runId,
        tag: cfg.tag,
        wandb_project: cfg.wandb_project,
        log_every: cfg.log_every,
      });
    }
    return run;
  }

  /** Makes the folders in which the runs of `cfgs` will lie, and asks for room for their checkpoints. @throws SaevError `IO`. */
  static prepare(cfgs: readonly ResolvedTrain[]): void {
    for (const folder of new Set(cfgs.map((cfg) => cfg.ckpt_path))) {
      const here = cfgs.filter((cfg) => cfg.ckpt_path === folder);
      const bytes = here.reduce((sum, { sae }) => sum + checkpointBytes(sae), 0);
      makeFolder(folder);
      requireRoom(
        folder,
        bytes,
        `the checkpoints of ${here.length === 1 ? "one SAE" : `${here.length} SAEs`}`,
      );
    }
  }

  static #claim(cfg: ResolvedTrain): RunFolder {
    for (;;) {
      const runId = newRunId();
      const dir = path.join(cfg.ckpt_path, runId);
      makeFolder(cfg.ckpt_path);
      try {
        mkdirSync(dir);
        return new RunFolder(runId, dir, cfg);
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === "EEXIST") continue;
        throw new SaevError("IO", `cannot make the run's folder ${dir}: ${(cause as Error).message}`, {
          cause,
        });
      }
    }
  }

  /** The checkpoint. */
  get checkpoint(): string {
    return path.join(this.dir, "sae.pt");
  }

  /** Appends an entry to metrics.jsonl; without `track` it does nothing. @throws SaevError `IO`. */
  log(entry: TrainLog): void {
    this.#line({
      step: entry.step,
      loss: entry.loss,
      mse: entry.mse,
      sparsity: entry.sparsity,
      l0: entry.l0,
      l1: entry.l1,
      density: entry.density,
      lr: entry.lr,
      sparsity_coeff: entry.sparsityCoeff,
      ...(this.cfg.sae.kind !== "relu" && { aux: entry.aux, n_dead: entry.nDead }),
      ...(this.cfg.sae.kind === "batch-top-k" && { threshold: entry.threshold }),
    });
  }

  /** Writes evaluation.json. @throws SaevError `IO`. */
  async writeEvaluation(e: Evaluation): Promise<void> {
    const document = {
      n_rows: e.nRows,
      l0: e.l0,
      l1: e.l1,
      mse: e.mse,
      explained_variance: e.explainedVariance,
      normalized_mse: e.normalizedMse,
      n_dead: e.nDead,
      n_almost_dead: e.nAlmostDead,
      n_dense: e.nDense,
      almost_dead_threshold: e.almostDeadThreshold,
      dense_threshold: e.denseThreshold,
    };
    await writeText(path.join(this.dir, "evaluation.json"), `${JSON.stringify(document, null, 2)}\n`);
  }

  /** Ends metrics.jsonl. */
  close(): void {
    if (this.#metrics === undefined) return;
    closeSync(this.#metrics);
    this.#metrics = undefined;
  }

  #line(value: object): void {
    const file = this.#metrics;
    if (file === undefined) return;
    this.#io(() => {
      const bytes = Buffer.from(`${JSON.stringify(value)}\n`);
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    });
  }

  #io(work: () => void): void {
    try {
      work();
    } catch (cause) {
      const file = path.join(this.dir, "metrics.jsonl");
      throw new SaevError("IO", `cannot write ${file}: ${(cause as Error).message}`, { cause });
    }
  }
}

/** Two matrices and two vectors of float32; headers are small beside them. */
function checkpointBytes(sae: ResolvedTrain["sae"]): number {
  if (!("d_vit" in sae)) return 0;
  const n = dSae(sae) ?? 0;
  return 4 * (2 * sae.d_vit * n + sae.d_vit + n);
}

let last = 0;

/** Eight base-36 digits of milliseconds, ascending within a process, and four of chance: "mid3k2f0-7x2q". */
function newRunId(): string {
  last = Math.max(Date.now(), last + 1);
  const chance = Math.floor(Math.random() * 36 ** 4);
  return `${last.toString(36).padStart(8, "0")}-${chance.toString(36).padStart(4, "0")}`;
}
