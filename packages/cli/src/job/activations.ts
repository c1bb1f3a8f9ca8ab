import { Activations } from "@saev/config";
import { oneOf } from "../argv/option.js";
import { downloadProgress } from "../progress/download.js";
import { amount } from "../text.js";
import { planActivations } from "./activations-plan.js";
import type { Job, Outcome, Request, Session } from "./job.js";
import { maxMegapixels, maxPixelsOf } from "./max-megapixels.js";

export const activationsJob: Job<Activations> = {
  doc: {
    name: "activations",
    summary: "Runs a vision transformer over images and records its activations in shards.",
    details: [
      "The shard folder is made inside --dump-to and named by the hash of its metadata. A run that was stopped goes on where it was when the same command is given again; on a finished folder it does nothing.",
    ],
    examples: [
      [
        "Record the second-to-last block of a CLIP in a folder.",
        "saev activations --vit-ckpt models/clip data:image-folder-dataset --data.root photographs",
      ],
      [
        "Two layers, in smaller files.",
        "saev activations --config activations.toml --vit-layers -2 -1 --n-patches-per-shard 500_000",
      ],
      [
        "On four machines that share a disk, one part each (this is the second).",
        "saev activations --config activations.toml --n-parts 4 --part 1",
      ],
      ["See what would be written.", "saev activations --config activations.toml --dry-run"],
    ],
  },
  schema: Activations,
  options: [
    oneOf(
      "on-bad-image",
      ["error", "skip"],
      "What to do about a file that is no readable image: stop, or leave its place empty and list it.",
    ),
    maxMegapixels,
  ],
  plan: ({ cfgs }) => planActivations(cfgs[0]!),
  run,
  goOn: "whole batches are kept: run the same command again to go on",
};

async function run({ cfgs, options }: Request<Activations>, { signal, reporter }: Session): Promise<Outcome> {
  const maxPixels = maxPixelsOf("activations", options);
  const { recordActivations } = await import("@saev/core");
  const { dir, nImgs, skipped, resumedAt, waitingFor } = await recordActivations(cfgs[0]!, {
    maxPixels,
    onBadImage: options.get("on-bad-image") === "skip" ? "skip" : "error",
    signal,
    warn: (message) => reporter.warn(message),
    onDownload: ({ file, done, total }) => {
      // Configs and the like are there at once.
      if ((total ?? done) >= 1e6) reporter.progress(downloadProgress(`downloading ${file}`, done, total));
    },
    onProgress: ({ done, total }) => reporter.progress({ label: "recording", done, total, unit: "images" }),
  });
  if (skipped.length > 0) {
    reporter.warn(
      `${amount(skipped.length, "image")} could not be read; their places are left empty, and loaders pass over them`,
    );
  }
  const { part, n_parts } = cfgs[0]!;
  return {
    text:
      waitingFor.length > 0
        ? `part ${part} of ${n_parts} is recorded; the folder is sealed when part ${waitingFor.join(", ")} is, too: ${dir}\n`
        : `${amount(nImgs, "image")} in ${dir}\n`,
    json: { dir, images: nImgs, skipped, resumed_at: resumedAt, waiting_for: waitingFor },
    paths: [dir],
  };
}
