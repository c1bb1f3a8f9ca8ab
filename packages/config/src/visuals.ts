import { dataLoadSpec } from "./data-load.js";
import { datasetSpecs } from "./dataset.js";
import {
  bool,
  type ConfigOf,
  choice,
  config,
  float,
  int,
  ints,
  ours,
  range,
  spec,
  string,
  union,
} from "./fields.js";
import { schemaOf } from "./schema.js";

export const visualsSpec = spec("Visuals", "Finds the images that each latent responds to and draws them.", {
  ckpt: string("model", "./checkpoints/sae.pt", "The trained SAE: its sae.pt file."),
  data: config("data", dataLoadSpec, "Activations to read."),
  images: union("data", datasetSpecs, "The images that the activations were recorded from."),
  top_k: int("selection", 128, "Images to keep per latent.", { min: 1 }),
  n_workers: int("hardware", 16, "Threads that read activations and images.", { min: 0 }),
  topk_batch_size: int("hardware", 1024 * 16, "Activations per step of the search for the top images.", {
    min: 1,
  }),
  sae_batch_size: int("hardware", 1024 * 16, "Activations per forward pass of the SAE.", { min: 1 }),
  epsilon: float("selection", 1e-9, "Added before a logarithm, so that zero has one.", { min: 0 }),
  sort_by: choice(
    "selection",
    ["cls", "img", "patch"],
    "patch",
    'What ranks the images of a latent: "cls" its value at the CLS token (no heat map), "img" the sum over the image\'s patches, "patch" the largest value of a patch, each image once.',
  ),
  device: string(
    "hardware",
    "cuda",
    "Device to run on; without a usable GPU the CPU is used, with a warning.",
  ),
  dump_to: string("output", "./data", "Folder in which sort_by_<sort_by>/ is made."),
  log_freq_range: range(
    "selection",
    -6,
    -2,
    "Show latents whose log10 firing frequency lies strictly between these.",
  ),
  log_value_range: range(
    "selection",
    -1,
    1,
    "Show latents whose log10 mean value when firing lies strictly between these.",
  ),
  include_latents: ints("selection", [], "Latents to show whatever their statistics.", { min: 0 }),
  n_distributions: int("selection", 25, "Latents, from the first, whose distribution of values is kept.", {
    min: 0,
  }),
  percentile: int("selection", 99, "Percentile of each latent's values to estimate.", { min: 0, max: 100 }),
  n_latents: int("selection", 400, "Most latents to show, those always included aside.", { min: 0 }),
  seed: int("selection", 42, "Seed of the choice of latents."),
  highlight_style: ours(
    choice(
      "output",
      ["overlay", "contour", "crop", "mask"],
      "overlay",
      'How pictures show where a latent fires: "overlay" a heat map, "contour" a line around its strongest patches, "crop" the part around them enlarged, "mask" colour where it fires and grey elsewhere.',
    ),
  ),
  contact_sheet: ours(
    bool(
      "output",
      false,
      "Whether each latent shown also gets a contact sheet: its name, figures and top images on one page, as SVG and PNG.",
    ),
  ),
});

export type Visuals = ConfigOf<typeof visualsSpec>;
export const Visuals = schemaOf(visualsSpec);

/** Joins as `os.path.join` does: nothing is normalised, "./data" stays "./data". */
const join = (folder: string, name: string): string =>
  folder === "" || folder.endsWith("/") ? folder + name : `${folder}/${name}`;

type Where = Pick<Visuals, "dump_to" | "sort_by">;

/** Folder of everything that a Visuals job writes: `<dump_to>/sort_by_<sort_by>`. */
export const visualsRoot = (cfg: Where): string => join(cfg.dump_to, `sort_by_${cfg.sort_by}`);

/** Folder of contact sheets, `<latent>.svg` and `<latent>.png`. */
export const contactSheetsRoot = (cfg: Where): string => join(visualsRoot(cfg), "contact_sheets");

/** Values of the top images. */
export const topValuesFpath = (cfg: Where): string => join(visualsRoot(cfg), "top_values.pt");

/** Indices of the top images. */
export const topImgIFpath = (cfg: Where): string => join(visualsRoot(cfg), "top_img_i.pt");

/** Index of the strongest patch in each top image. */
export const topPatchIFpath = (cfg: Where): string => join(visualsRoot(cfg), "top_patch_i.pt");

/** Mean value of each latent over its firings. */
export const meanValuesFpath = (cfg: Where): string => join(visualsRoot(cfg), "mean_values.pt");

/** Firing frequency of each latent. */
export const sparsityFpath = (cfg: Where): string => join(visualsRoot(cfg), "sparsity.pt");

/** All values of the first `n_distributions` latents. */
export const distributionsFpath = (cfg: Where): string => join(visualsRoot(cfg), "distributions.pt");

/** The `percentile` of each latent's values. */
export const percentilesFpath = (cfg: Where & Pick<Visuals, "percentile">): string =>
  join(visualsRoot(cfg), `percentiles_p${cfg.percentile}.pt`);
