import {
  type ConfigOf,
  choice,
  defaultsOf,
  float,
  int,
  intOrChoice,
  pathSwitch,
  spec,
  string,
} from "./fields.js";
import { schemaOf } from "./schema.js";

export const dataLoadSpec = spec("DataLoad", "Which recorded activations to read, and how to scale them.", {
  shard_root: string(
    "data",
    "./shards",
    "Shard folder: the one that holds metadata.json and the acts*.bin files.",
  ),
  patches: choice(
    "data",
    ["cls", "patches", "meanpool"],
    "patches",
    'Which tokens of an image to use: "cls" its CLS token, "patches" every patch, "meanpool" the mean over its patches.',
  ),
  layer: intOrChoice(
    "data",
    ["all", "meanpool"],
    -2,
    'Which recorded layer to use, as numbered when it was recorded (-2 is the second to last); "all" uses every one in turn, "meanpool" their mean.',
  ),
  clamp: float("data", 1e5, "Largest magnitude of an activation; values beyond it are cut to ±clamp.", {
    above: 0,
    infinite: true,
  }),
  n_random_samples: int(
    "data",
    2 ** 19,
    "Activations sampled at the start to compute the mean and the norm.",
    { min: 1 },
  ),
  scale_mean: pathSwitch(
    "data",
    true,
    "Whether to subtract the mean activation; a path loads the mean from that file.",
  ),
  scale_norm: pathSwitch(
    "data",
    true,
    "Whether to scale activations to a mean norm of sqrt(d_vit); a path loads the scale from that file.",
  ),
});

export type DataLoad = ConfigOf<typeof dataLoadSpec>;
export const DataLoad = schemaOf(dataLoadSpec);
/** Every field at its default, without the parser. */
export const dataLoadDefaults: DataLoad = defaultsOf(dataLoadSpec);
