import { existsSync } from "node:fs";
import path from "node:path";
import { Evaluate, type EvaluationReport, evaluationReportFormat, type ReportedSae } from "@saev/config";
import { CommandError } from "../errors.js";
import { amount, pairs } from "../text.js";
import { reportText } from "./evaluate-text.js";
import type { Job, Outcome, Request, Session } from "./job.js";
import { runWords } from "./runs-of-words.js";

export const evaluateJob: Job<Evaluate> = {
  doc: {
    name: "evaluate",
    summary: "Measures SAEs on recorded activations and writes a report.",
    details: [
      "RUN is a training run, its sae.pt, or a folder of runs: each SAE and its data, scaled as in training, come from there, and flags win over them. Without RUN, --ckpt and --data.* say it all.",
      "Measured are sparsity and reconstruction, how alike latents are to each other, where images or patches have labels the best latent of each, and what becomes of the model's output when the reconstruction takes the activation's place. The report is written as evaluation.json and report.html to --dump-to.",
    ],
    examples: [
      ["One SAE on the data that it was trained on.", "saev evaluate checkpoints/RUN"],
      [
        "All runs of a sweep in one report, on other data.",
        "saev evaluate checkpoints --data.shard-root shards/HASH",
      ],
      ["Figures only, for a script.", "saev evaluate checkpoints/RUN --no-probes --n-images 0 --json"],
    ],
  },
  schema: Evaluate,
  options: [],
  runs: runWords,
  plan,
  run,
  goOn: "an earlier report is as it was",
};

const filesOf = ({ dump_to }: Evaluate) => ({
  json: path.join(dump_to, "evaluation.json"),
  html: path.join(dump_to, "report.html"),
});

async function plan({ cfgs }: Request<Evaluate>): Promise<Outcome> {
  const { ShardFolder } = await import("@saev/core");
  for (const { ckpt, data } of cfgs) {
    if (!existsSync(ckpt))
      throw new CommandError(
        "NOT_FOUND",
        `ckpt: nothing at ${ckpt}; give a RUN, or an SAE's sae.pt with --ckpt`,
      );
    (await ShardFolder.open(data.shard_root)).requireComplete();
  }
  const files = Object.values(filesOf(cfgs[0]!));
  const there = files.some((file) => existsSync(file));
  return {
    text: pairs([
      ...cfgs.map(({ ckpt }, i) => [i === 0 ? "measures" : "", ckpt] as const),
      ["on", [...new Set(cfgs.map(({ data }) => data.shard_root))].join(", ")],
      ...files.map((file, i) => [i === 0 ? `writes${there ? " again" : ""}` : "", file] as const),
    ]),
    json: { saes: cfgs.map(({ ckpt, data }) => ({ ckpt, shard_root: data.shard_root })), files },
    paths: files,
  };
}

const steps = {
  encoding: { label: "encoding", unit: "activations" },
  dictionary: { label: "comparing directions", unit: "latents" },
  fidelity: { label: "putting reconstructions back", unit: "images" },
} as const;

async function run({ cfgs }: Request<Evaluate>, { signal, reporter }: Session): Promise<Outcome> {
  const { evaluateSae, makeFolder } = await import("@saev/core");
  makeFolder(cfgs[0]!.dump_to);
  const saes: ReportedSae[] = [];
  for (const [i, cfg] of cfgs.entries()) {
    if (cfgs.length > 1) reporter.note(`SAE ${i + 1} of ${cfgs.length}: ${cfg.ckpt}`);
    const sae = await evaluateSae(cfg, {
      signal,
      warn: (message) => reporter.warn(message),
      onProgress: ({ stage, done, total }) => reporter.progress({ ...steps[stage], done, total }),
    });
    reporter.end(true);
    for (const note of sae.notes) reporter.note(note);
    saes.push(sae);
  }
  const report: EvaluationReport = { format: evaluationReportFormat, saes };
  const files = filesOf(cfgs[0]!);
  const { reportHtml, writeFileAtomic } = await import("@saev/visuals");
  await writeFileAtomic(files.json, `${JSON.stringify(report, null, 2)}\n`);
  await writeFileAtomic(files.html, reportHtml(report));
  return {
    text: `${reportText(report)}${amount(saes.length, "SAE")}, report: ${files.html}\n`,
    json: report,
    paths: [files.html, files.json],
  };
}
