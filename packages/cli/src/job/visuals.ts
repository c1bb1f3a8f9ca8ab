import { Visuals } from "@saev/config";
import { downloadProgress } from "../progress/download.js";
import { amount } from "../text.js";
import type { Job, Outcome, Request, Session } from "./job.js";
import { maxMegapixels, maxPixelsOf } from "./max-megapixels.js";
import { planVisuals } from "./visuals-plan.js";

export const visualsJob: Job<Visuals> = {
  doc: {
    name: "visuals",
    summary: "Finds the images that each latent of an SAE responds to, and makes a gallery of them.",
    details: [
      "Tables, a folder of pictures for each latent and a gallery (index.html, opens from disk) are written to sort_by_patch, sort_by_img or sort_by_cls inside --dump-to.",
    ],
    examples: [
      [
        "A gallery of an SAE.",
        "saev visuals --ckpt checkpoints/RUN/sae.pt --data.shard-root shards/HASH --dump-to gallery images:image-folder-dataset --images.root photographs",
      ],
      [
        "Only rare latents, and latent 7 in any case.",
        "saev visuals --config visuals.toml --log-freq-range -6 -3 --include-latents 7",
      ],
      [
        "A page to print for each of three latents, with lines around what they fire at.",
        "saev visuals --config visuals.toml --n-latents 0 --include-latents 12 82 510 --contact-sheet --highlight-style contour",
      ],
    ],
  },
  schema: Visuals,
  options: [maxMegapixels],
  plan: ({ cfgs }) => planVisuals(cfgs[0]!),
  run,
  goOn: "earlier results are as they were: run the same command again to go on",
};

const steps = {
  rows: { label: "ranking", unit: "activations" },
  images: { label: "drawing", unit: "images" },
  sheets: { label: "contact sheets", unit: "latents" },
} as const;

async function run({ cfgs, options }: Request<Visuals>, { signal, reporter }: Session): Promise<Outcome> {
  const maxPixels = maxPixelsOf("visuals", options);
  const { makeVisuals } = await import("@saev/visuals");
  const { root, latents, gallery, notes } = await makeVisuals(cfgs[0]!, {
    maxPixels,
    signal,
    onDownload: ({ file, done, total }) => {
      if ((total ?? done) >= 1e6) reporter.progress(downloadProgress(`downloading ${file}`, done, total));
    },
    onProgress: ({ stage, done, total }) => reporter.progress({ ...steps[stage], done, total }),
    warn: (message) => reporter.warn(message),
  });
  reporter.end(true);
  for (const note of notes) reporter.note(note);
  return {
    text: `${amount(latents.length, "latent")} in ${root}\ngallery: ${gallery ?? "none"}\n`,
    json: { root, latents, gallery: gallery ?? null, notes },
    paths: [gallery ?? root],
  };
}
