export { type CudaInfo, cudaInfo, type Device, type ResolveDeviceOptions, resolveDevice } from "./device.js";
export { SaevError, type SaevErrorCode } from "./errors.js";
export type { LongCallOptions } from "./native/call.js";
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
