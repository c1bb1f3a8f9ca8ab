import type { Control } from "./addon.js";

export interface NativeCudaState {
  /** Whether the addon is a CUDA flavour. */
  readonly compiled: boolean;
  /** Toolkit, e.g. "13.0"; empty in the CPU flavour. */
  readonly toolkit: string;
  /** CUDA version that the driver serves, e.g. 13000; 0 without a driver. */
  readonly driver: number;
  readonly devices: readonly NativeCudaDevice[];
  /** Why there is no device; empty when there is one. */
  readonly problem: string;
}

export interface NativeCudaDevice {
  readonly name: string;
  /** Compute capability, e.g. "9.0". */
  readonly capability: string;
  readonly totalBytes: number;
}

export interface CudaExports {
  cudaState(): NativeCudaState;
  cudaSelfTest(device: number, control?: Control): Promise<number>;
}
