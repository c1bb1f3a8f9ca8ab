import { onFirstUse, zod } from "./deferred.js";
import type { JsonSchema } from "./json-schema.js";

/** Version of evaluation.json of `saev evaluate`. It rises when a field changes its meaning or goes away. */
export const evaluationReportFormat = 1;

/** How well the first latents reconstruct alone. */
export interface ReportedPrefix {
  readonly length: number;
  readonly mse: number;
  readonly explained_variance: number;
}

/** One class and the latents that tell it best; null where no latent fires in it. */
export interface ReportedProbe {
  readonly class: string;
  readonly n: number;
  readonly base_rate: number;
  readonly best_by_ap: { readonly latent: number; readonly average_precision: number } | null;
  readonly best_by_f1: {
    readonly latent: number;
    readonly f1: number;
    readonly precision: number;
    readonly recall: number;
    readonly threshold: number;
  } | null;
}

/** Probes of all classes. */
export interface ReportedProbes {
  /** Images or patches with a label that were used, and how many there were. */
  readonly units: number;
  readonly seen: number;
  /** Means over the classes with units. */
  readonly mean_average_precision: number | null;
  readonly mean_f1: number | null;
  readonly mean_base_rate: number | null;
  readonly classes: readonly ReportedProbe[];
}

/** What the model's output does when its activations are replaced by something else. */
export interface ReportedReplacement {
  /** Mean cosine of the final embedding with what it is without replacement. */
  readonly cosine: number;
  /** Share of images that keep their zero-shot class; null without class embeddings. */
  readonly same_class: number | null;
}

export interface ReportedFidelity {
  readonly layer: number;
  readonly tokens: "cls" | "patches";
  readonly images: number;
  readonly reconstruction: ReportedReplacement;
  /** Every replaced token becomes the mean activation of the data. */
  readonly mean: ReportedReplacement;
  /** Every replaced token becomes 0. */
  readonly zero: ReportedReplacement;
  /** 1 − (1 − cosine of reconstruction) / (1 − cosine of mean): 1 is no loss, 0 no better than the mean. */
  readonly recovered: number | null;
}

export interface ReportedSae {
  readonly ckpt: string;
  readonly shard_root: string;
  readonly layer: number | string;
  readonly patches: string;
  readonly d_vit: number;
  readonly d_sae: number;
  readonly activation: string;
  readonly figures: Readonly<Record<string, number | null>>;
  readonly prefixes: readonly ReportedPrefix[];
  /** Latents by log10 of their frequency, in bins of equal width from `lo` to `hi`; dead ones are in none. */
  readonly frequencies: { readonly lo: number; readonly hi: number; readonly counts: readonly number[] };
  readonly dictionary: {
    readonly mean_max_encoder_cosine: number;
    readonly max_encoder_cosine: number;
    readonly mean_max_decoder_cosine: number;
    readonly max_decoder_cosine: number;
    readonly coherence: number;
  } | null;
  readonly image_probes: ReportedProbes | null;
  readonly patch_probes: ReportedProbes | null;
  readonly fidelity: ReportedFidelity | null;
  /** What was left out, and why. */
  readonly notes: readonly string[];
}

/** evaluation.json of `saev evaluate`. */
export interface EvaluationReport {
  readonly format: 1;
  readonly saes: readonly ReportedSae[];
}

const figureNames = [
  "n_rows",
  "l0",
  "l1",
  "mse",
  "explained_variance",
  "normalized_mse",
  "cosine",
  "l2_ratio",
  "relative_bias",
  "n_dead",
  "n_almost_dead",
  "n_dense",
  "n_over_1_percent",
  "n_over_10_percent",
  "almost_dead_threshold",
  "dense_threshold",
] as const;

function build() {
  const z = zod();
  const whole = z.int().min(0);
  const share = z.number().min(0).max(1);
  // A figure that is no number, as the cosine of activations that are all 0, is null.
  const figure = z.number().nullable();
  const latent = z.int().min(0);
  const probes = z.strictObject({
    units: whole,
    seen: whole,
    mean_average_precision: share.nullable(),
    mean_f1: share.nullable(),
    mean_base_rate: share.nullable(),
    classes: z.array(
      z.strictObject({
        class: z.string(),
        n: whole,
        base_rate: share,
        best_by_ap: z.strictObject({ latent, average_precision: share }).nullable(),
        best_by_f1: z
          .strictObject({ latent, f1: share, precision: share, recall: share, threshold: z.number() })
          .nullable(),
      }),
    ),
  });
  const replacement = z.strictObject({
    cosine: z.number().min(-1).max(1),
    same_class: share.nullable(),
  });
  const sae = z.strictObject({
    ckpt: z.string(),
    shard_root: z.string(),
    layer: z.union([z.int(), z.string()]),
    patches: z.enum(["cls", "patches", "meanpool"]),
    d_vit: whole,
    d_sae: whole,
    activation: z.string(),
    figures: z.strictObject(Object.fromEntries(figureNames.map((name) => [name, figure]))),
    prefixes: z.array(z.strictObject({ length: whole, mse: figure, explained_variance: figure })),
    frequencies: z.strictObject({ lo: z.number(), hi: z.number(), counts: z.array(whole) }),
    dictionary: z
      .strictObject({
        mean_max_encoder_cosine: z.number(),
        max_encoder_cosine: z.number(),
        mean_max_decoder_cosine: z.number(),
        max_decoder_cosine: z.number(),
        coherence: z.number(),
      })
      .nullable(),
    image_probes: probes.nullable(),
    patch_probes: probes.nullable(),
    fidelity: z
      .strictObject({
        layer: z.int(),
        tokens: z.enum(["cls", "patches"]),
        images: whole,
        reconstruction: replacement,
        mean: replacement,
        zero: replacement,
        recovered: z.number().nullable(),
      })
      .nullable(),
    notes: z.array(z.string()),
  });
  return z
    .strictObject({ format: z.literal(evaluationReportFormat), saes: z.array(sae) })
    .meta({ title: "EvaluationReport", description: "What saev evaluate found." });
}

/** Checks evaluation.json: `EvaluationReport.parse(JSON.parse(text))`. */
export const EvaluationReport = onFirstUse(build) as unknown as {
  parse(value: unknown): EvaluationReport;
  safeParse(value: unknown): { success: boolean };
};

/** The JSON Schema (draft 2020-12) of evaluation.json. */
export const evaluationReportSchema = (): JsonSchema =>
  zod().toJSONSchema(build(), { target: "draft-2020-12" }) as JsonSchema;
