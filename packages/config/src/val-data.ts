import { type ConfigOf, ours, spec, string } from "./fields.js";
import { schemaOf } from "./schema.js";

export const valDataSpec = spec(
  "ValData",
  "Activations of their own to evaluate on while training; which rows, and their scaling, are as of those that are trained on.",
  {
    shard_root: ours(
      string(
        "data",
        "",
        "Shard folder to evaluate on while training and at the end; empty: see val-fraction.",
      ),
    ),
  },
);

export type ValData = ConfigOf<typeof valDataSpec>;
export const ValData = schemaOf(valDataSpec);

/** Whether a training is evaluated on activations that it does not train on. */
export const validates = (cfg: { readonly val_data: ValData; readonly val_fraction: number }): boolean =>
  cfg.val_fraction > 0 || cfg.val_data.shard_root !== "";
