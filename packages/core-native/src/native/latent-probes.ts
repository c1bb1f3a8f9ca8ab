import type { Control, Handle } from "./addon.js";
import type { NativeLatents } from "./sae.js";

export interface NativeClassProbe {
  readonly n: number;
  readonly baseRate: number;
  readonly apLatent: number;
  readonly averagePrecision: number;
  readonly f1Latent: number;
  readonly f1: number;
  readonly precision: number;
  readonly recall: number;
  readonly threshold: number;
}

/** Bindings of `native/bind/latent_probes.cc`. */
export interface LatentProbesExports {
  latentProbes(options: {
    readonly dSae: number;
    readonly nClasses: number;
    readonly maxEntries: number;
    readonly seed: number;
  }): Handle<"LatentProbes">;
  latentProbesAdd(
    probes: Handle<"LatentProbes">,
    latents: NativeLatents,
    units: Handle<"Tensor">,
    labels: Handle<"Tensor">,
    control: Control,
  ): Promise<undefined>;
  latentProbesFinish(
    probes: Handle<"LatentProbes">,
    control: Control,
  ): Promise<{ units: number; seen: number; classes: readonly NativeClassProbe[] }>;
}
