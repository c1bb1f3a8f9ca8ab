import type { SaeStepMetrics } from "../training/step-metrics.js";
import type { Control, Handle } from "./addon.js";

/** Handles of an SAE's parameters, float32; the last three are there for the kinds that have them. */
export interface NativeParams {
  readonly wEnc: Handle<"Tensor">;
  readonly bEnc: Handle<"Tensor">;
  readonly wDec: Handle<"Tensor">;
  readonly bDec: Handle<"Tensor">;
  readonly threshold?: Handle<"Tensor">;
  readonly rMag?: Handle<"Tensor">;
  readonly bMag?: Handle<"Tensor">;
}

/** Active latents as compressed rows. */
export interface NativeLatents {
  readonly rowStart: Handle<"Tensor">;
  readonly latent: Handle<"Tensor">;
  readonly value: Handle<"Tensor">;
}

/** From pre-activations to latents. */
export interface NativeActivation {
  /** "relu", "top-k", "batch-top-k", "jump-relu" or "gated". */
  readonly selection: string;
  readonly topK: number;
  readonly relu: boolean;
  readonly threshold: number;
}

/** Sparse autoencoders: the addon's exports. */
export interface SaeExports {
  sparseAutoencoder(
    params: NativeParams,
    centred: boolean,
    activation: NativeActivation,
  ): Handle<"SparseAutoencoder">;
  saeInfo(sae: Handle<"SparseAutoencoder">): {
    dVit: number;
    dSae: number;
    centred: boolean;
    activation: NativeActivation;
  };
  saeTensors(sae: Handle<"SparseAutoencoder">): NativeParams;
  saeEncode(sae: Handle<"SparseAutoencoder">, x: Handle<"Tensor">, control: Control): Promise<NativeLatents>;
  saeDecode(
    sae: Handle<"SparseAutoencoder">,
    latents: NativeLatents,
    control: Control,
  ): Promise<Handle<"Tensor">>;
}

export interface NativeSaeTraining {
  readonly lr: number;
  readonly nLrWarmup: number;
  readonly sparsityCoeff: number;
  readonly nSparsityWarmup: number;
  readonly legacySparsityWarmup: boolean;
  readonly removeParallelGrads: boolean;
  readonly normalizeWDec: boolean;
  readonly decay: string;
  readonly nSteps: number;
  readonly optimizer: string;
  readonly weightDecay: number;
  readonly penalty: string;
  readonly tanhScale: number;
  readonly bandwidth: number;
  readonly activation: NativeActivation;
  readonly momentum: number;
  readonly centred: boolean;
  readonly nPrefixes: number;
  readonly prefixesAsPublished: boolean;
  readonly prefixSeed: number;
  readonly prefixes: readonly number[];
  readonly deadThresholdTokens: number;
  readonly kAux: number;
  readonly alpha: number;
  readonly auxAsPublished: boolean;
  readonly gradClip: number;
  readonly screening: string;
  readonly encoderPrecision: string;
}

/** What the addon reports of one SAE's step is what the API does. */
export type NativeSaeStep = SaeStepMetrics;

export interface NativeStepTimes {
  readonly encode: number;
  readonly decode: number;
  readonly backward: number;
  readonly lists: number;
  readonly decoderGradient: number;
  readonly encoderGradient: number;
  readonly adam: number;
}

export interface NativeStep {
  readonly saes: readonly NativeSaeStep[];
  readonly gradients: readonly (NativeParams & { readonly rawWDec: Handle<"Tensor"> })[];
  readonly times: NativeStepTimes;
}

/** Training: the addon's exports. */
export interface TrainerExports {
  trainer(dVit: number): Handle<"Trainer">;
  trainerAdd(trainer: Handle<"Trainer">, params: NativeParams, options: NativeSaeTraining): number;
  trainerStep(
    trainer: Handle<"Trainer">,
    x: Handle<"Tensor">,
    wantGradients: boolean,
    prefixes: readonly number[],
    control: Control,
  ): Promise<NativeStep>;
  trainerRun(
    trainer: Handle<"Trainer">,
    source: Handle<"BatchSource">,
    options: {
      readonly nPatches: number;
      readonly batchSize: number;
      readonly logEvery: number;
      readonly pauseEvery: number;
      readonly pauseAt: number;
      readonly pause?: Handle<"AbortFlag">;
    },
    control: Control,
  ): Promise<{ steps: number; ended: boolean; waited: number }>;
  trainerSave(
    trainer: Handle<"Trainer">,
    sae: number,
    path: string,
    metadata: Readonly<Record<string, string>>,
    control: Control,
  ): Promise<undefined>;
  trainerRestore(trainer: Handle<"Trainer">, sae: number, path: string, control: Control): Promise<undefined>;
  trainerCanSave(trainer: Handle<"Trainer">, sae: number): boolean;
  trainerParams(trainer: Handle<"Trainer">, sae: number): NativeParams;
  trainerName(trainer: Handle<"Trainer">, sae: number, name: string): void;
  trainerStop(trainer: Handle<"Trainer">, sae: number): void;
  trainerDropped(trainer: Handle<"Trainer">, sae: number): string;
  trainerSteps(trainer: Handle<"Trainer">): number;
  trainerSae(trainer: Handle<"Trainer">, sae: number): Handle<"SparseAutoencoder">;
  trainerSinceActive(trainer: Handle<"Trainer">, sae: number): Handle<"Tensor">;
  initialParams(
    dVit: number,
    dSae: number,
    seed: number,
    tied: boolean,
    rows: Handle<"Tensor"> | null,
    mean: Handle<"Tensor"> | null,
    share: number,
  ): NativeParams;
  blendRows(
    wDec: Handle<"Tensor">,
    rows: Handle<"Tensor">,
    mean: Handle<"Tensor">,
    share: number,
  ): Handle<"Tensor">;
  sampleRows(
    source: Handle<"BatchSource">,
    n: number,
    k: number,
    seed: number,
    control: Control,
  ): Promise<{ readonly mean: Handle<"Tensor">; readonly rows: Handle<"Tensor"> }>;
  plannedSteps(nRows: number, batchSize: number, nPatches: number): number;
  learningRate(peak: number, nWarmup: number, decay: string, nSteps: number, step: number): number;
  plannedBatches(nRows: number, batchSize: number, nPatches: number, most: number): number[];
  warmup(initial: number, final: number, nSteps: number, step: number): number;
  warmupCosine(
    initial: number,
    nWarmup: number,
    peak: number,
    nSteps: number,
    final: number,
    step: number,
  ): number;
  drawPrefixes(dSae: number, n: number, asPublished: boolean, seed: number, step: number): number[];
  meanSquaredErr(xHat: Handle<"Tensor">, x: Handle<"Tensor">, norm: boolean): Handle<"Tensor">;
}
