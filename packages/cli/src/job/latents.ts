import { existsSync } from "node:fs";
import path from "node:path";
import { Inference } from "@saev/config";
import type { LatentsProgress } from "@saev/core";
import { CommandError } from "../errors.js";
import { amount, pairs } from "../text.js";
import type { Job, Outcome, Request, Session } from "./job.js";
import { runWords } from "./runs-of-words.js";

export const latentsJob: Job<Inference> = {
  doc: {
    name: "latents",
    summary: "Writes the latents of a whole dataset: which latents are active in each patch, and how much.",
    details: [
      "RUN is a training run, its sae.pt, or a folder of runs: the SAE and its data, scaled as in training, come from there, and flags win over them. Without RUN, --ckpt and --data.* say it all.",
      "The folder holds token_acts.npz (a scipy CSR matrix, one row per image and patch), token_acts.parquet (one line per active latent), latents.parquet, mean_values.pt, sparsity.pt and metrics.json. Memory does not grow with the data. A job that was stopped or killed goes on where it was when the same command is given again; on finished latents it does nothing.",
    ],
    examples: [
      ["The latents of the data that an SAE was trained on.", "saev latents checkpoints/RUN"],
      [
        "Of other images, as a table only.",
        "saev latents checkpoints/RUN --data.shard-root shards/HASH --formats parquet",
      ],
      ["Where they would be written.", "saev latents checkpoints/RUN --dry-run"],
    ],
  },
  schema: Inference,
  options: [],
  runs: runWords,
  plan,
  run,
  goOn: "what is encoded is kept: run the same command again to go on",
};

async function plan({ cfgs }: Request<Inference>): Promise<Outcome> {
  const { latentsFiles, latentsFolder, ShardFolder } = await import("@saev/core");
  const plans = [];
  for (const cfg of cfgs) {
    if (!existsSync(cfg.ckpt))
      throw new CommandError(
        "NOT_FOUND",
        `ckpt: nothing at ${cfg.ckpt}; give a RUN, or an SAE's sae.pt with --ckpt`,
      );
    const shards = await ShardFolder.open(cfg.data.shard_root);
    shards.requireComplete();
    const dir = latentsFolder(cfg, shards);
    const files = latentsFiles(cfg).map((name) => path.join(dir, name));
    plans.push({ ckpt: cfg.ckpt, shards: cfg.data.shard_root, dir, exists: existsSync(dir), files });
  }
  return {
    text: plans
      .map(({ ckpt, shards, dir, exists, files }) =>
        pairs([
          ["reads", ckpt],
          ["", shards],
          ["folder", `${dir}${exists ? " (there already: finished latents are kept)" : ""}`],
          ...files.map((file, i) => [i === 0 ? "files" : "", file] as const),
        ]),
      )
      .join("\n"),
    json: plans.length === 1 ? plans[0] : plans,
    paths: plans.map(({ dir }) => dir),
  };
}

const units = {
  encoding: { label: "encoding", unit: "activations" },
  npz: { label: "writing token_acts.npz", unit: "latents" },
  parquet: { label: "writing token_acts.parquet", unit: "latents" },
} as const;

async function run({ cfgs }: Request<Inference>, { signal, reporter }: Session): Promise<Outcome> {
  const { writeLatents } = await import("@saev/core");
  const written = [];
  for (const cfg of cfgs) {
    const one = await writeLatents(cfg, {
      signal,
      warn: (message) => reporter.warn(message),
      onProgress: ({ stage, done, total }: LatentsProgress) =>
        reporter.progress({ ...units[stage], done, total }),
    });
    reporter.end(true);
    if (one.resumedAt > 0) reporter.note(`went on after ${amount(one.resumedAt, "activation")}`);
    if (one.doneBefore) reporter.note(`${one.dir}: these latents are there already`);
    written.push(one);
  }
  return {
    text: written
      .map(({ dir, rows, dSae, nnz }) => {
        const mean = rows === 0 ? 0 : nnz / rows;
        return `${amount(nnz, "active latent")} in ${dir}: ${amount(rows, "row")} × ${amount(dSae, "latent")}, ${mean.toFixed(1)} a row\n`;
      })
      .join(""),
    json: written.map(({ dir, files, rows, dSae, nnz, resumedAt, doneBefore }) => ({
      dir,
      files,
      rows,
      d_sae: dSae,
      nnz,
      resumed_at: resumedAt,
      done_before: doneBefore,
    })),
    paths: written.map(({ dir }) => dir),
  };
}
