/**
 * Schemas, defaults, sweeps and flags of saev's configs. Needs no native code.
 *
 * @module config
 */

export { Activations, type ResolvedActivations, vitFamilies } from "./activations.js";
export { DataLoad, dataLoadDefaults } from "./data-load.js";
export {
  Ade20kDataset,
  Dataset,
  GlobDataset,
  ImageFolderDataset,
  ImagenetDataset,
  ListDataset,
  nImgs,
  WebdatasetDataset,
} from "./dataset.js";
export { datasetOfRepr, reprOfDataset } from "./dataset-repr.js";
export { datasetWords } from "./dataset-words.js";
export {
  choice,
  type Distribution,
  type DistributionName,
  type Draw,
  distributionNames,
  drawFrom,
  intUniform,
  isDistribution,
  logUniform,
  normal,
  uniform,
  uniformBits,
} from "./distribution.js";
export { documentText, toDocument } from "./document.js";
export { type FieldEffect, fieldEffects, notices, refusals } from "./effects.js";
export { Evaluate } from "./evaluate.js";
export {
  EvaluationReport,
  evaluationReportFormat,
  evaluationReportSchema,
  type ReportedFidelity,
  type ReportedPrefix,
  type ReportedProbe,
  type ReportedProbes,
  type ReportedReplacement,
  type ReportedSae,
} from "./evaluation-report.js";
export { expand, type Sweep } from "./expand.js";
export { auto, type FieldGroup, type FieldType, type Resolved } from "./fields.js";
export { type ConfigFormat, loadConfigFile, parseConfigText } from "./file.js";
export { type Flag, type FlagMember, type FlagTable, type FlagUnion, flagTable } from "./flags.js";
export { type Grid, grid } from "./grid.js";
export { Inference } from "./inference.js";
export { ConfigError, type ConfigErrorCode, type ConfigIssue } from "./issues.js";
export { type JsonSchema, jsonSchema, sweepJsonSchema } from "./json-schema.js";
export {
  hashedText,
  isResolved,
  Metadata,
  metadataHash,
  metadataOf,
  metadataText,
  parseMetadata,
  type StoredDtype,
} from "./metadata.js";
export { editDistance, nearestName } from "./nearest.js";
export { Matryoshka, Objective, prefixCount, Vanilla } from "./objective.js";
export {
  checkConfig,
  type ParseOptions,
  parseActivations,
  parseConfig,
  parseTrain,
  parseVisuals,
} from "./parse.js";
export { type PythonJsonOptions, pythonJson, pythonRepr, pythonReprOf } from "./python.js";
export { BatchTopK, dSae, Gated, JumpRelu, Relu, Sae, TopK } from "./sae.js";
export type { Schema } from "./schema.js";
export type { Search } from "./search.js";
export { cannotParallelize, sharedByPass, splitCfgs, splitPasses } from "./split-cfgs.js";
export { type ResolvedTrain, Train } from "./train.js";
export { TrainData } from "./train-data.js";
export { ValData, validates } from "./val-data.js";
export {
  contactSheetsRoot,
  distributionsFpath,
  meanValuesFpath,
  percentilesFpath,
  sparsityFpath,
  topImgIFpath,
  topPatchIFpath,
  topValuesFpath,
  Visuals,
  visualsRoot,
} from "./visuals.js";
