import { dSae, splitCfgs, type Train } from "@saev/config";
import type { TrainedSae, TrainLog, TrainProgress } from "@saev/core";
import type { Progress } from "../progress/reporter.js";
import { amount, table } from "../text.js";
import type { Outcome, Request, Session } from "./job.js";
import { sparsityText } from "./sparsity-text.js";

/** Trains one SAE or a sweep, group after group, and tells how each came out. */
export async function runTrain(
  { cfgs, options }: Request<Train>,
  { signal, reporter }: Session,
): Promise<Outcome> {
  const { CheckpointRequests, trainSaes } = await import("@saev/core");
  const resume = options.get("resume");
  if (cfgs.length > 1) {
    reporter.note(
      `${amount(cfgs.length, "SAE")} in ${amount(splitCfgs(cfgs).length, "group")}, each trained on one pass over its data`,
    );
  }
  const checkpointRequests = new CheckpointRequests();
  const onUsr1 = () => {
    reporter.note("SIGUSR1: writing a checkpoint");
    checkpointRequests.request();
  };
  process.on("SIGUSR1", onUsr1);
  const logs = new Map<number, TrainLog>();
  let group: number | undefined;
  const training = trainSaes(cfgs, {
    signal,
    existing: options.get("new") === true ? "new" : "continue",
    ...(typeof resume === "string" && { resume: [resume] }),
    checkpointRequests,
    onStart: ({ runId, from, step }) => {
      if (from === "resumed") reporter.note(`${runId}: going on after step ${step}`);
      if (from === "done") reporter.note(`${runId}: is finished; --new trains another`);
      if (from === "diverged")
        reporter.note(`${runId}: its loss was not finite; --new with a lower lr trains another`);
    },
    onLog: (entry) => {
      logs.set(entry.sae, entry);
    },
    onProgress: (p) => {
      if (p.group !== group) {
        logs.clear();
        group = p.group;
        reporter.end(true);
        if (p.groups > 1) reporter.note(`group ${p.group + 1} of ${p.groups}`);
      }
      reporter.progress(progressOf(p, [...logs.values()]));
    },
    warn: (message) => reporter.warn(message),
  });
  try {
    return outcomeOf(await training);
  } finally {
    process.off("SIGUSR1", onUsr1);
  }
}

function progressOf(p: TrainProgress, logs: readonly TrainLog[]): Progress {
  const { phase, done, total, group, groups } = p;
  const which = groups > 1 ? ` ${group + 1}/${groups}` : "";
  if (phase === "evaluate") return { label: `evaluating${which}`, done, total, unit: "activations" };
  const step = { label: `training${which}`, done, total, unit: "steps" };
  if (logs.length === 0) return step;
  const of = logs.length > 1 ? "mean " : "";
  const mean = (figure: (log: TrainLog) => number) =>
    logs.reduce((sum, log) => sum + figure(log), 0) / logs.length;
  return { ...step, values: { [`${of}mse`]: mean((log) => log.mse), [`${of}l0`]: mean((log) => log.l0) } };
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
  const where = trained.map(({ dir }) => `${dir}\n`).join("");
  return {
    text: `${table(head, rows)}\n${dropped.join("")}${amount(trained.length, "run")} in:\n${where}`,
    json: trained.map(({ cfg, runId, dir, steps, dropped, evaluation }) => ({
      run_id: runId,
      dir,
      steps,
      dropped: dropped ?? null,
      d_sae: dSae(cfg.sae),
      lr: cfg.lr,
      ...("top_k" in cfg.sae ? { top_k: cfg.sae.top_k } : { sparsity_coeff: cfg.objective.sparsity_coeff }),
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
  };
}
