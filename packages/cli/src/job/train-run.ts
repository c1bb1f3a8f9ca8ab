import { dSae, type Train, validates } from "@saev/config";
import type { PartyTimes, TrainedSae, TrainLog, TrainProgress } from "@saev/core";
import type { Progress } from "../progress/reporter.js";
import { amount, count, duration, figure, table } from "../text.js";
import { halvingOf } from "./halving.js";
import type { Outcome, Request, Session } from "./job.js";
import { memoryOf } from "./memory.js";
import { memoryText } from "./memory-text.js";
import { sparsityText } from "./sparsity-text.js";

/** Trains one SAE or a sweep, group after group, and tells how each came out. */
export async function runTrain(
  { cfgs, options }: Request<Train>,
  { signal, reporter }: Session,
): Promise<Outcome> {
  const { CheckpointRequests, trainSaes } = await import("@saev/core");
  const resume = options.get("resume");
  const halving = halvingOf(options);
  const memory = memoryOf("train", options);
  const checkpointRequests = new CheckpointRequests();
  const onUsr1 = () => {
    reporter.note("SIGUSR1: writing a checkpoint");
    checkpointRequests.request();
  };
  process.on("SIGUSR1", onUsr1);
  const logs = new Map<number, TrainLog>();
  const validated = new Map<number, number>();
  let group: number | undefined;
  const training = trainSaes(cfgs, {
    signal,
    existing: options.get("new") === true ? "new" : "continue",
    ...(typeof resume === "string" && { resume: [resume] }),
    checkpointRequests,
    ...(halving && { halving }),
    ...(memory !== undefined && { memory }),
    onPlan: (rounds) => {
      const saes = rounds.reduce((n, round) => n + round.saes.length, 0);
      if (saes > 1) {
        reporter.note(
          `${amount(saes, "SAE")} in ${amount(rounds.length, "round")}, each trained on one pass over its data`,
        );
      }
      for (const [r, round] of rounds.entries())
        reporter.note(`memory${rounds.length > 1 ? ` of round ${r + 1}` : ""}: ${memoryText(round)}`);
    },
    onStart: ({ runId, from, step }) => {
      if (from === "resumed") reporter.note(`${runId}: going on after step ${step}`);
      if (from === "done") reporter.note(`${runId}: is finished; --new trains another`);
      if (from === "halved")
        reporter.note(`${runId}: was stopped early after ${step} steps; --resume goes on with it`);
      if (from === "diverged")
        reporter.note(`${runId}: its loss was not finite; --new with a lower lr trains another`);
    },
    onLog: (entry) => {
      logs.set(entry.sae, entry);
    },
    onValidation: ({ sae, evaluation }) => {
      validated.set(sae, evaluation.mse);
    },
    onProgress: (p) => {
      if (p.group !== group) {
        logs.clear();
        validated.clear();
        group = p.group;
        reporter.end(true);
        if (p.groups > 1) reporter.note(`round ${p.group + 1} of ${p.groups}`);
      }
      reporter.progress(progressOf(p, [...logs.values()], [...validated.values()]));
    },
    warn: (message) => reporter.warn(message),
  });
  try {
    return outcomeOf(await training);
  } finally {
    process.off("SIGUSR1", onUsr1);
  }
}

function progressOf(p: TrainProgress, logs: readonly TrainLog[], validated: readonly number[]): Progress {
  const { phase, done, total, group, groups } = p;
  const which = groups > 1 ? ` ${group + 1}/${groups}` : "";
  if (phase === "evaluate") return { label: `evaluating${which}`, done, total, unit: "activations" };
  const step = { label: `training${which}`, done, total, unit: "steps" };
  if (logs.length === 0) return step;
  const of = logs.length > 1 ? "mean " : "";
  const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
  return {
    ...step,
    values: {
      [`${of}mse`]: mean(logs.map((log) => log.mse)),
      [`${of}l0`]: mean(logs.map((log) => log.l0)),
      ...(validated.length > 0 && { [`${of}val mse`]: mean(validated) }),
    },
  };
}

/** The table at the end: a line for each SAE. */
function outcomeOf(trained: readonly TrainedSae[]): Outcome {
  // A column for what a sweep varies, beside the sparsity that is always there.
  const showLr = new Set(trained.map(({ cfg }) => cfg.lr)).size > 1;
  const rows = trained.map(({ cfg, runId, evaluation }) => [
    runId,
    dSae(cfg.sae),
    ...(showLr ? [cfg.lr] : []),
    sparsityText(cfg),
    evaluation?.l0 ?? Number.NaN,
    evaluation?.mse ?? Number.NaN,
    evaluation?.explainedVariance ?? Number.NaN,
    evaluation?.nDead ?? Number.NaN,
  ]);
  const head = [
    "run",
    "d_sae",
    ...(showLr ? ["lr"] : []),
    "sparsity",
    "L0",
    "MSE",
    "explained variance",
    "dead",
  ];
  const dropped = trained.flatMap(({ runId, dropped: why }) =>
    why === undefined ? [] : [`${runId} was dropped: ${why}\n`],
  );
  const halved = trained.flatMap(({ runId, halved: why }) =>
    why === undefined ? [] : [`${runId} was stopped early: ${why}\n`],
  );
  const times = [...new Set(trained.flatMap((run) => run.times ?? []))];
  const bad = trained.flatMap(({ runId, dropped: why }) => (why === undefined ? [] : [runId]));
  const where = trained.map(({ dir }) => `${dir}\n`).join("");
  return {
    text: `${table(head, rows)}\n${measuredOn(trained)}${waitingText(times)}${evaluationText(times)}${checkpointText(times)}${halved.join("")}${dropped.join("")}${amount(trained.length, "run")} in:\n${where}`,
    json: trained.map(({ cfg, runId, dir, steps, dropped, halved, times, evaluation }) => ({
      run_id: runId,
      dir,
      steps,
      dropped: dropped ?? null,
      halved: halved ?? null,
      training_seconds: times?.training ?? null,
      data_wait_seconds: times?.waiting ?? null,
      checkpoint_seconds: times?.checkpoints ?? null,
      evaluation_seconds: times?.evaluations ?? null,
      d_sae: dSae(cfg.sae),
      lr: cfg.lr,
      ...("top_k" in cfg.sae ? { top_k: cfg.sae.top_k } : { sparsity_coeff: cfg.objective.sparsity_coeff }),
      held_out: validates(cfg),
      evaluation: evaluation && {
        n_rows: evaluation.nRows,
        l0: evaluation.l0,
        l1: evaluation.l1,
        mse: evaluation.mse,
        explained_variance: evaluation.explainedVariance,
        normalized_mse: evaluation.normalizedMse,
        n_dead: evaluation.nDead,
        n_almost_dead: evaluation.nAlmostDead,
        n_dense: evaluation.nDense,
      },
    })),
    paths: trained.map(({ dir }) => dir),
    ...(bad.length > 0 && {
      failed: `${bad.length} of ${amount(trained.length, "run")} dropped, as the loss was not finite: ${bad.join(", ")}`,
    }),
  };
}

/** What the figures of the table are of, where that is not all that was trained on. */
function measuredOn(trained: readonly TrainedSae[]): string {
  const counts = new Set(
    trained.flatMap(({ cfg, evaluation }) => (validates(cfg) && evaluation ? [evaluation.nRows] : [])),
  );
  return [...counts]
    .map((n) => `figures are of ${amount(n, "activation")} that were not trained on\n`)
    .join("");
}

/** What reading ahead did not hide, all rounds together. */
function waitingText(times: readonly PartyTimes[]): string {
  return times.length === 0 ? "" : `steps waited for data in ${share(times, (t) => t.waiting)}\n`;
}

/** What evaluations in the course of training cost, all rounds together. */
function evaluationText(times: readonly PartyTimes[]): string {
  const made = sum(times, (t) => t.evaluationsMade);
  if (made === 0) return "";
  return `evaluated ${often(made)} while training, in ${share(times, (t) => t.evaluations)}\n`;
}

/** What checkpoints cost, all rounds together. */
function checkpointText(times: readonly PartyTimes[]): string {
  const written = sum(times, (t) => t.checkpointsWritten);
  if (written === 0) return "";
  return `checkpoints were written ${often(written)}, in ${share(times, (t) => t.checkpoints)}\n`;
}

const sum = (times: readonly PartyTimes[], part: (t: PartyTimes) => number) =>
  times.reduce((n, t) => n + part(t), 0);

const often = (n: number) => (n === 1 ? "once" : `${count(n)} times`);

function share(times: readonly PartyTimes[], part: (t: PartyTimes) => number): string {
  const training = sum(times, (t) => t.training);
  return `${figure((100 * sum(times, part)) / training)} % of the ${duration(training)} of training`;
}
