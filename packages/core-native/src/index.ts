/**
 * Vision transformers, sparse autoencoders and shards: the typed API of the C++ core.
 *
 * @module core
 */

export {
  type Recording,
  type RecordOptions,
  type RecordProgress,
  recordActivations,
  type SkippedImage,
} from "./activations/record.js";
export { resolveActivations } from "./activations/resolve.js";
export { parquetOfHub } from "./datasets/hugging-face.js";
export { tarsOfHub } from "./datasets/web-dataset.js";
export { type CudaInfo, cudaInfo, type Device, type ResolveDeviceOptions, resolveDevice } from "./device.js";
export { type DoctorItem, type DoctorReport, doctor } from "./doctor.js";
export { SaevError, type SaevErrorCode } from "./errors.js";
export { type DictionaryFigures, dictionaryFigures } from "./evaluation/dictionary.js";
export { type EvaluateOptions, evaluate } from "./evaluation/evaluate.js";
export { type EvaluateSaeOptions, type EvaluateSaeProgress, evaluateSae } from "./evaluation/evaluate-sae.js";
export { EvaluationSums } from "./evaluation/evaluation-sums.js";
export {
  type Evaluation,
  type EvaluationFigures,
  type EvaluationRecord,
  type EvaluationThresholds,
  evaluationRecord,
  type PrefixFigures,
} from "./evaluation/figures.js";
export {
  type ClassProbe,
  LatentProbes,
  type LatentProbesOptions,
  type ProbeResult,
} from "./evaluation/latent-probes.js";
export type { DatasetFiles, DatasetOptions } from "./hub/dataset-files.js";
export { type DatasetReference, parseDatasetReference } from "./hub/dataset-reference.js";
export type { DownloadProgress } from "./hub/download.js";
export { type KnownModel, knownModels, type ModelSizes, sizesOfResolved } from "./hub/models.js";
export { type ModelReference, parseModelReference } from "./hub/references.js";
export { type ResolvedModel, type ResolveOptions, resolveModel } from "./hub/resolve.js";
export { type DecodeOptions, decodeImage, defaultMaxPixels, isImageName } from "./images/decode.js";
export { type ImageDataset, openDataset, statedImages } from "./images/image-dataset.js";
export { type ImageEntry, ImageFolder } from "./images/image-folder.js";
export type { Pixels } from "./images/pixels.js";
export { cropImage, resizeImage } from "./images/resize.js";
export type { Filter, Transform } from "./images/transform.js";
export { type TransformStep, transformSteps } from "./images/transform-steps.js";
export { type LockOptions, withLock } from "./io/file-lock.js";
export { makeFolder } from "./io/make-folder.js";
export { readSaeFile, type SaeFile, writeSaeFile } from "./io/sae-file.js";
export { syncFileSystem } from "./io/sync-file-system.js";
export {
  type NamedTensors,
  readTensor,
  TensorFile,
  writeSafetensors,
  writeTensor,
  writeTensors,
} from "./io/tensor-file.js";
export {
  type LatentsProgress,
  latentsFiles,
  latentsFolder,
  type WriteLatentsOptions,
  type WrittenLatents,
  writeLatents,
} from "./latents/write-latents.js";
export type { FetchProgress } from "./libtorch/fetch.js";
export type { FoundLibtorch } from "./libtorch/find.js";
export type { Flavour } from "./libtorch/flavours.js";
export {
  type LibtorchPlan,
  planLibtorch,
  type SetupLibtorchOptions,
  setupLibtorch,
} from "./libtorch/setup.js";
export { ActivationLoader, type ActivationLoaderOptions } from "./loading/activation-loader.js";
export { type AsTrained, asTrained } from "./loading/as-trained.js";
export { type ActivationBatch, BatchSource, MemoryLoader } from "./loading/batch-source.js";
export { numpyPermutation } from "./loading/numpy-permutation.js";
export type { LongCallOptions } from "./native/call.js";
export type {
  Activation,
  BatchTopKActivation,
  ReluActivation,
  TopKActivation,
} from "./sae/activation.js";
export { type LoadOptions, loadCheckpoint, type SaeHeader } from "./sae/checkpoint.js";
export { checkpointFormats, exportCheckpoint, recogniseCheckpoint } from "./sae/formats/index.js";
export { Latents } from "./sae/latents.js";
export { exportForPython } from "./sae/python-checkpoint.js";
export type { CheckpointConfig, PythonSchema } from "./sae/python-schemas.js";
export { type SaveOptions, saveCheckpoint } from "./sae/save-checkpoint.js";
export type { Scaling } from "./sae/scaling.js";
export { type EncoderInput, SparseAutoencoder } from "./sae/sparse-autoencoder.js";
export type { SaeTensors } from "./sae/tensors.js";
export { type Conversion, type ConvertOptions, convertShards } from "./shards/convert.js";
export { type ShardLayout, shardLayout } from "./shards/layout.js";
export type { Part, PartStatus } from "./shards/part-status.js";
export { preprocessingOf } from "./shards/preprocessing.js";
export type { Protocol21Metadata } from "./shards/protocol21.js";
export { type RecordedTransform, recordedTransform } from "./shards/recorded-transform.js";
export { type RecordingFolder, recordingFolder } from "./shards/recording-folder.js";
export { ShardFolder, type ShardFormat } from "./shards/shard-folder.js";
export { ShardWriter } from "./shards/shard-writer.js";
export {
  type ShardFinding,
  type ShardVerification,
  type VerifyOptions,
  verifyShards,
} from "./shards/verify.js";
export { type AccumulateOptions, accumulateTopK } from "./stats/accumulate.js";
export type { LatentExamples } from "./stats/latent-examples.js";
export { type LegacyTables, type LegacyTopKOptions, legacyPercentiles, legacyTopK } from "./stats/legacy.js";
export { type NearestRowsOptions, nearestRows } from "./stats/nearest-rows.js";
export {
  type Histogram,
  LatentStatistics,
  type LatentTables,
  type SortBy,
  TopKAccumulator,
  type TopKOptions,
} from "./stats/top-k.js";
export { type SystemInfo, systemInfo } from "./system.js";
export { type Dtype, Tensor, type TensorData } from "./tensor.js";
export { TextEncoder, type TextEncoderLoadOptions } from "./text/text-encoder.js";
export { CheckpointRequests } from "./training/checkpoint-schedule.js";
export { estimateTime } from "./training/estimate-time.js";
export { type Halving, type HalvingMetric, halvingMetrics } from "./training/halving.js";
export { type HeldOut, readHeldOut } from "./training/held-out.js";
export {
  blendRows,
  type InitialTensorsOptions,
  initialTensors,
  meanActivation,
  type RowSample,
  sampleActivations,
} from "./training/initial-tensors.js";
export type { MemoryPlan } from "./training/memory-plan.js";
export type { PartyTimes } from "./training/open-party.js";
export {
  drawPrefixes,
  learningRate,
  meanSquaredErr,
  plannedBatches,
  plannedSteps,
  warmup,
  warmupCosine,
} from "./training/plan.js";
export { resolveTrain } from "./training/resolve.js";
export { type PlannedRound, planTraining, type TrainPlan } from "./training/rounds.js";
export type { RunEvaluation } from "./training/run-evaluation.js";
export type {
  AuxKTraining,
  LearningRateSchedule,
  MatryoshkaTraining,
  SaeTraining,
} from "./training/sae-training.js";
export {
  type RunStart,
  type TrainedSae,
  type TrainProgress,
  type TrainSaesOptions,
  trainSaes,
} from "./training/train-saes.js";
export {
  type SaeGradients,
  type SaeStepMetrics,
  type StepResult,
  Trainer,
  type TrainLog,
  type TrainRunOptions,
} from "./training/trainer.js";
export type { TrainValidation } from "./training/validate.js";
export { describeModel } from "./vit/describe.js";
export { familyNames } from "./vit/families.js";
export type { ModelDescription } from "./vit/family.js";
export { type ModelFacts, modelFacts } from "./vit/model-facts.js";
export { type EmbeddingForm, ViTOutputs } from "./vit/outputs.js";
export { interpolatePositions } from "./vit/positions.js";
export { type ContinueOptions, ViT, type ViTLoadOptions } from "./vit/vit.js";
