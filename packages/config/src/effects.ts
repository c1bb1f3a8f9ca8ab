import type { Activations } from "./activations.js";
import type { Evaluate } from "./evaluate.js";
import type { Field, Spec } from "./fields.js";
import type { Inference } from "./inference.js";
import type { ConfigIssue } from "./issues.js";
import { shown } from "./issues.js";
import { vanillaSpec } from "./objective.js";
import { type Schema, specsOf } from "./schema.js";
import { type Train, trainSpec } from "./train.js";
import { trainDataSpec } from "./train-data.js";
import { validates } from "./val-data.js";
import type { Visuals } from "./visuals.js";

/** What a field does, or when it is refused because what it asks for is not built. Some fields have both. */
export interface FieldEffect {
  /** What the field changes. */
  readonly effect?: string;
  /** Why and instead of what a value is refused; absent where every valid value works. */
  readonly refusal?: string;
  /** Whether this value is refused. There exactly when `refusal` is. */
  readonly refuses?: (value: unknown, cfg: object) => boolean;
}

const does = (effect: string): FieldEffect => ({ effect });
const refuses = (
  refusal: string,
  when: (value: unknown, cfg: object) => boolean,
  effect?: string,
): FieldEffect => ({
  ...(effect === undefined ? {} : { effect }),
  refusal,
  refuses: when,
});
const noSlurm = "jobs run on this machine only; leave it empty and start saev inside your Slurm job";
const slurm = refuses(noSlurm, (v) => v !== "");
const slurmOnly = (usual: unknown): FieldEffect =>
  refuses("it only concerns Slurm jobs, and jobs run on this machine only; leave it out", (v) => v !== usual);

const datasets = does("where images, their order and their labels come from");

const shared = (name: string): Record<string, FieldEffect> => ({
  [`${name}.d_vit`]: does(
    "checked against the shards or, as auto, taken from them; first dimension of W_enc",
  ),
  [`${name}.exp_factor`]: does("number of latents, where d_sae does not say it"),
  [`${name}.d_sae`]: does("number of latents"),
  [`${name}.n_reinit_samples`]: does("rows whose mean b_dec starts from"),
  [`${name}.reinit_blend`]: does("initial W_dec"),
  [`${name}.remove_parallel_grads`]: does("W_dec's gradient"),
  [`${name}.normalize_w_dec`]: does("norms of W_dec's rows"),
  [`${name}.tied`]: does("initial W_enc"),
  [`${name}.seed`]: does("initial weights"),
});

const topKEffects = (name: string): Record<string, FieldEffect> => ({
  ...shared(name),
  [`${name}.top_k`]: does("latents kept; checked against their number"),
  [`${name}.relu`]: does("whether kept values below 0 become 0"),
  [`${name}.k_aux`]: does("dead latents in the auxiliary loss"),
  [`${name}.alpha`]: does("weight of the auxiliary loss"),
  [`${name}.aux_form`]: does("ReLU and b_dec in the auxiliary loss"),
  [`${name}.dead_threshold_tokens`]: does("when a latent is dead"),
});

const dataEffects = (name: string): Record<string, FieldEffect> => ({
  [`${name}.shard_root`]: does("the shard folder that is read"),
  [`${name}.patches`]: does("which tokens become rows"),
  [`${name}.layer`]: does("which layers become rows"),
  [`${name}.clamp`]: does("bounds of every activation"),
  [`${name}.n_random_samples`]: does("how many rows the mean and norm are computed from"),
  [`${name}.scale_mean`]: does("what is subtracted from every row"),
  [`${name}.scale_norm`]: does("what every row is divided by"),
});

const isDefault = (field: Field, value: unknown): boolean =>
  JSON.stringify(field.default) === JSON.stringify(value);
/** A field of evaluations on what is not trained on. */
const whereValidated = (name: keyof typeof trainSpec.fields, effect: string): FieldEffect =>
  refuses(
    "nothing is set aside to evaluate on; leave it out, or give --val-fraction or --val-data.shard-root",
    (v, cfg) => !validates(cfg as Train) && !isDefault(trainSpec.fields[name], v),
    effect,
  );
/** A field of the ViT, which only runs with `data.live`. */
const liveOnly = (name: keyof typeof trainDataSpec.fields, effect: string): FieldEffect =>
  refuses(
    "without data.live no ViT runs: what was recorded is read; leave it out, or give --data.live",
    (v, cfg) => !(cfg as Train).data.live && !isDefault(trainDataSpec.fields[name], v),
    effect,
  );

/**
 * Every field of every config class, and what becomes of it: nothing is read and then ignored.
 * Keys are "Class.field". A field that holds a config is listed itself, for what choosing its class does.
 */
export const fieldEffects: Readonly<Record<string, FieldEffect>> = {
  "Activations.data": datasets,
  "Activations.dump_to": does("parent of the shard folder"),
  "Activations.vit_family": does("which architecture and preprocessing; in the metadata"),
  "Activations.vit_ckpt": does("which weights; in the metadata"),
  "Activations.vit_batch_size": does("images per forward pass"),
  "Activations.n_workers": does("threads that decode; 0 decodes on the recording thread"),
  "Activations.d_vit": does("checked against the model or, as auto, taken from it; in the metadata"),
  "Activations.vit_layers": refuses(
    "at least one layer must be named",
    (v) => (v as readonly number[]).length === 0,
    "which blocks are recorded, in this order",
  ),
  "Activations.n_patches_per_img": does(
    "checked against the model or, as auto, taken from it; in the metadata",
  ),
  "Activations.cls_token": does(
    "checked against the model or, as auto, taken from it; whether CLS is recorded; in the metadata",
  ),
  "Activations.n_patches_per_shard": does("images per shard file"),
  "Activations.protocol": does("metadata.json, shards.json, the folder's name"),
  "Activations.dtype": does("how activations are rounded and stored; in the metadata unless float32"),
  "Activations.seed": does("in the metadata, and so in the folder's name"),
  "Activations.ssl": does("whether servers that models are downloaded from must show a valid certificate"),
  "Activations.device": does("where the ViT runs"),
  "Activations.compute_dtype": does("what the ViT's products multiply; in saev.json"),
  "Activations.n_parts": does("how many processes share the work; each records whole shards"),
  "Activations.part": refuses(
    "parts count from 0, so it must be below n_parts",
    (v, cfg) => (v as number) >= (cfg as Activations).n_parts,
    "which images are recorded",
  ),
  "Activations.n_hours": slurmOnly(24),
  "Activations.slurm_acct": slurm,
  "Activations.slurm_partition": slurm,
  "Activations.log_to": slurmOnly("./logs"),

  "ImagenetDataset.name": does(
    "the folder, or the dataset of the hub, that is read, downloaded where it is not here; in the metadata",
  ),
  "ImagenetDataset.split": does("which parquet files are read; in the metadata"),
  "ImageFolderDataset.root": does("the folder whose images are read; in the metadata"),
  "Ade20kDataset.root": does("the folder whose images, segmentations and scenes are read; in the metadata"),
  "Ade20kDataset.split": does("which images are read; in the metadata"),
  "WebdatasetDataset.tars": does("the archives whose images are read; in the metadata"),
  "ListDataset.list": does("the list that names the images; in the metadata"),
  "ListDataset.base": does("where relative paths start, and what none may leave; in the metadata"),
  "ListDataset.path_column": does("where the list holds paths; in the metadata"),
  "ListDataset.label_column": does("where the list holds labels; in the metadata"),
  "GlobDataset.pattern": does("which images are read; in the metadata"),

  ...dataEffects("DataLoad"),
  ...dataEffects("TrainData"),
  "TrainData.shard_root": refuses(
    "with data.live no shards are read; leave it out",
    (v, cfg) => (cfg as Train).data.live && !isDefault(trainDataSpec.fields.shard_root, v),
    "the shard folder that is read",
  ),
  "TrainData.live": does("whether the rows come from a ViT that runs meanwhile"),
  "TrainData.vit_family": liveOnly("vit_family", "which architecture and preprocessing"),
  "TrainData.vit_ckpt": liveOnly("vit_ckpt", "which weights"),
  "TrainData.vit_layers": liveOnly("vit_layers", 'what layer = "all" and "meanpool" are about'),
  "TrainData.vit_batch_size": liveOnly("vit_batch_size", "images per forward pass"),
  "TrainData.compute_dtype": liveOnly("compute_dtype", "what the ViT's products multiply"),

  "ValData.shard_root": does("the shard folder that is evaluated on"),

  "Train.data": does("the rows that are trained on"),
  "Train.val_data": does("the rows that are evaluated on"),
  "Train.val_fraction": refuses(
    "val_data.shard_root names what is evaluated on; leave one of the two out",
    (v, cfg) => (v as number) > 0 && (cfg as Train).val_data.shard_root !== "",
    "which images are evaluated on and not trained on",
  ),
  "Train.val_seed": whereValidated("val_seed", "which images these are"),
  "Train.n_val": whereValidated("n_val", "rows of an evaluation while training"),
  "Train.eval_every": whereValidated("eval_every", "when there is one"),
  "Train.images": refuses(
    "images are read with data.live only; shards know theirs",
    (v, cfg) => !(cfg as Train).data.live && !isDefault(trainSpec.fields.images, v),
    "with data.live, where images and their order come from",
  ),
  "Train.n_workers": does("threads that read; 0 reads on the training thread"),
  "Train.buffer": does("rows that are shuffled in memory; 0 reads every row of shards where it lies"),
  "Train.n_patches": does("when training ends"),
  "Train.sae": does("kind and size of the SAE"),
  "Train.objective": does("the loss"),
  "Train.n_sparsity_warmup": does("rise of the sparsity coefficient"),
  "Train.lr": does("learning rate"),
  "Train.n_lr_warmup": does("rise of the learning rate"),
  "Train.lr_schedule": does("fall of the learning rate"),
  "Train.optimizer": does("how gradients move the weights"),
  "Train.weight_decay": refuses(
    "adam has none; choose optimizer = adamw or muon, or leave it out",
    (v, cfg) => v !== trainSpec.fields.weight_decay.default && (cfg as Train).optimizer === "adam",
    "decay of W_enc and W_dec under adamw and muon",
  ),
  "Train.grad_clip": does("largest norm of the gradients"),
  "Train.sae_batch_size": does("rows per step"),
  "Train.track": does("whether metrics.jsonl is written; nothing is sent anywhere, which is said once"),
  "Train.wandb_project": does("recorded in the run's config.json and the head of its metrics"),
  "Train.tag": does("recorded in the run's config.json and the head of its metrics"),
  "Train.log_every": does("steps between entries of the metrics"),
  "Train.init_from": does("weights that training starts from"),
  "Train.checkpoint_minutes": does("when checkpoints are written"),
  "Train.checkpoint_every": does("when checkpoints are written"),
  "Train.checkpoint_keep": does("how many checkpoints stay; whether any are written"),
  "Train.ckpt_path": does("parent of the runs' folders"),
  "Train.device": does("where training runs"),
  "Train.screening": does("how fast the encoder is, not what it computes"),
  "Train.encoder_precision": does(
    "whether x and W_enc are rounded to bfloat16 where the encoder multiplies them",
  ),
  "Train.seed": does("order of the rows"),
  "Train.slurm_acct": slurm,
  "Train.slurm_partition": slurm,
  "Train.n_hours": slurmOnly(24),
  "Train.log_to": slurmOnly("./logs"),

  ...shared("Relu"),
  ...shared("Gated"),
  ...shared("JumpRelu"),
  "JumpRelu.threshold": does("initial thresholds"),
  "JumpRelu.bandwidth": does("which values move a threshold, and how much"),
  "JumpRelu.sparsity": does("the penalty"),
  "JumpRelu.tanh_scale": does("the penalty where it is tanh-l0"),
  ...topKEffects("TopK"),
  ...topKEffects("BatchTopK"),
  "BatchTopK.momentum": does("how fast the threshold follows"),
  "Vanilla.sparsity_coeff": does(
    "weight of the penalty: L1, of jump-relu L0; of a top-k SAE unused: that a value was given is said once",
  ),
  "Matryoshka.n_prefixes": does("prefixes per batch, where they are drawn"),
  "Matryoshka.sparsity_coeff": does(
    "weight of the penalty: L1, of jump-relu L0; of a top-k SAE unused: that a value was given is said once",
  ),
  "Matryoshka.prefix_draw": does("the distribution of the prefixes' lengths, where they are drawn"),
  "Matryoshka.group_sizes": does("the prefixes of every batch, and what sae.pt says of groups"),

  "Visuals.ckpt": does("the SAE that is read"),
  "Visuals.data": does("the rows that are encoded"),
  "Visuals.images": datasets,
  "Visuals.top_k": does("images kept per latent"),
  "Visuals.n_workers": does("threads that read; 0 reads on the working thread"),
  "Visuals.topk_batch_size": does("rows per step of the search, at most 4096"),
  "Visuals.sae_batch_size": does("rows per forward pass, at most 1024"),
  "Visuals.epsilon": does("added before each log10"),
  "Visuals.sort_by": does("what ranks the images, and the folder's name"),
  "Visuals.device": does("where the SAE runs"),
  "Visuals.dump_to": does("parent of the sort_by_* folder"),
  "Visuals.log_freq_range": does("which latents are shown"),
  "Visuals.log_value_range": does("which latents are shown"),
  "Visuals.include_latents": does("which latents are shown in any case"),
  "Visuals.n_distributions": does("rows of distributions.pt"),
  "Visuals.percentile": does("which percentile is estimated, and the file's name"),
  "Visuals.n_latents": does("how many latents are shown"),
  "Visuals.seed": does("which latents are chosen"),
  "Visuals.highlight_style": refuses(
    'sort_by = "cls" has no values of patches to show; leave it out, or sort by "patch" or "img"',
    (v, cfg) => v !== "overlay" && (cfg as Visuals).sort_by === "cls",
    "how the pictures of neurons/ and contact sheets show where a latent fires",
  ),
  "Visuals.contact_sheet": does("whether contact_sheets/ is written"),

  "Inference.ckpt": does("the SAE that is read"),
  "Inference.data": does("the rows that are encoded"),
  "Inference.n_workers": does("threads that read; 0 reads on the working thread"),
  "Inference.sae_batch_size": does("rows per forward pass"),
  "Inference.device": does("where the SAE runs"),
  "Inference.formats": does("which files of latents are written"),
  "Inference.dump_to": does("parent of the folder of the latents"),

  "Evaluate.ckpt": does("the SAE that is read"),
  "Evaluate.data": does("the rows that are measured"),
  "Evaluate.images": does("where images and their labels are read"),
  "Evaluate.prefixes": does("which prefixes are measured"),
  "Evaluate.dictionary": does("whether the report compares directions"),
  "Evaluate.probes": does("whether the report has probes"),
  "Evaluate.n_images": does("images that are put through the model"),
  "Evaluate.text_embeddings": does("classes of zero-shot labels"),
  "Evaluate.almost_dead_threshold": does("which latents count as almost dead"),
  "Evaluate.dense_threshold": does("which latents count as dense"),
  "Evaluate.n_workers": does("threads that read; 0 reads on the working thread"),
  "Evaluate.sae_batch_size": does("rows per forward pass"),
  "Evaluate.vit_batch_size": does("images per forward pass"),
  "Evaluate.device": does("where SAE and model run"),
  "Evaluate.seed": does("which images or patches stand for all in probes"),
  "Evaluate.dump_to": does("folder of the report"),
};

type AnySchema = Schema<Activations> | Schema<Train> | Schema<Visuals> | Schema<Inference> | Schema<Evaluate>;

/**
 * What in this config asks for something that is not built, one mistake a field. A command calls it after parsing
 * and before doing anything; an empty list means that the job can run.
 */
export function refusals(schema: AnySchema, cfg: object): ConfigIssue[] {
  const [of] = specsOf(schema);
  return refusalsOf(of!, "", cfg, cfg);
}

/** Those of the fields of `value`, which lies at `prefix` in `cfg`, and of the configs of one class inside. */
function refusalsOf(of: Spec, prefix: string, value: object, cfg: object): ConfigIssue[] {
  return Object.entries(of.fields).flatMap(([name, field]) => {
    const { refusal, refuses } = fieldEffects[`${of.name}.${name}`]!;
    const inner = (value as Record<string, unknown>)[name];
    const path = prefix + name;
    if (field.type === "config") return refusalsOf(field.members![0]!, `${path}.`, inner as object, cfg);
    if (refusal === undefined || refuses?.(inner, cfg) !== true) return [];
    const found = shown((inner as { kind?: unknown }).kind ?? inner);
    const message = `${path} = ${found} is not supported: ${refusal}`;
    return [{ path, expected: refusal, found, message }];
  });
}

/** Things to say once when a job starts, since the Python package would do something else. */
export function notices(schema: AnySchema, cfg: object): string[] {
  const [of] = specsOf(schema);
  if (of!.name !== "Train") return [];
  const { sae, objective, track, ckpt_path } = cfg as Train;
  const said: string[] = [];
  if (track) said.push(`track: metrics are kept in ${ckpt_path}/<run>/metrics.jsonl; nothing is sent to W&B`);
  const { sparsity_coeff } = objective;
  // Whoever left it out asked for nothing.
  const given = sparsity_coeff > 0 && sparsity_coeff !== vanillaSpec.fields.sparsity_coeff.default;
  if (given && (sae.kind === "top-k" || sae.kind === "batch-top-k")) {
    said.push(`objective.sparsity_coeff: a ${sae.kind} SAE has no L1 penalty, its sparsity is top_k`);
  }
  return said;
}
