import { SaevError } from "../../errors.js";
import { Tensor } from "../../tensor.js";
import { otherInput } from "../save-checkpoint.js";
import type { EncoderInput, SparseAutoencoder } from "../sparse-autoencoder.js";
import { disposeTensors, type SaeTensors } from "../tensors.js";

/** How a class of dictionary_learning names and uses its tensors. */
export interface Dictionary {
  readonly kind: "relu" | "gated" | "top-k" | "batch-top-k" | "jump-relu";
  readonly input: EncoderInput;
  /** Its name of each of our tensors. */
  readonly names: Readonly<Partial<Record<keyof SaeTensors, string>>>;
  /** Both matrices are those of torch's Linear, transposed to ours. */
  readonly linear: boolean;
  /** Loading it divides decoder rows by their norm and multiplies latents by it, where a norm is not 1. */
  readonly normalized?: boolean;
}

const topK = {
  input: "centred",
  names: { wEnc: "encoder.weight", bEnc: "encoder.bias", wDec: "decoder.weight", bDec: "b_dec" },
  linear: true,
} as const;
const plain = { wEnc: "W_enc", bEnc: "b_enc", wDec: "W_dec", bDec: "b_dec" } as const;

/** By the name in the config's `dict_class`. */
export const dictionaries: Readonly<Record<string, Dictionary>> = {
  AutoEncoder: { ...topK, kind: "relu", names: { ...topK.names, bDec: "bias" }, normalized: true },
  AutoEncoderNew: { ...topK, kind: "relu", input: "raw", names: { ...topK.names, bDec: "decoder.bias" } },
  GatedAutoEncoder: {
    ...topK,
    kind: "gated",
    names: {
      wEnc: "encoder.weight",
      bEnc: "gate_bias",
      wDec: "decoder.weight",
      bDec: "decoder_bias",
      rMag: "r_mag",
      bMag: "mag_bias",
    },
  },
  AutoEncoderTopK: { ...topK, kind: "top-k" },
  BatchTopKSAE: { ...topK, kind: "batch-top-k" },
  MatryoshkaBatchTopKSAE: { kind: "batch-top-k", input: "centred", names: plain, linear: false },
  JumpReluAutoEncoder: {
    kind: "jump-relu",
    input: "raw",
    names: { ...plain, threshold: "threshold" },
    linear: false,
  },
};

/** torch.allclose(norms, 1), by which AutoEncoder decides whether it normalises its decoder when it is loaded. */
const unitTolerance = 1e-5;

function rowNorms(wDec: Tensor): Float64Array {
  const [dSae = 0, dVit = 0] = wDec.shape;
  const data = wDec.toFloat32Array();
  return Float64Array.from({ length: dSae }, (_, j) => {
    let sum = 0;
    for (const v of data.subarray(j * dVit, (j + 1) * dVit)) sum += v * v;
    return Math.sqrt(sum);
  });
}

/** Latents times their decoder row's norm and rows of norm 1, as AutoEncoder does when it is loaded; in place. */
export function foldRowNorms(where: string, tensors: SaeTensors): void {
  const norms = rowNorms(tensors.wDec);
  if (norms.every((norm) => Math.abs(norm - 1) <= unitTolerance)) return;
  const bad = norms.findIndex((norm) => !(norm > 0));
  if (bad >= 0)
    throw new SaevError(
      "BAD_FILE",
      `${where}: latent ${bad} has a decoder row of norm ${norms[bad]}, by which dictionary_learning divides when it loads`,
    );
  const [dSae = 0, dVit = 0] = tensors.wDec.shape;
  const scaled = (tensor: Tensor, factor: (i: number) => number) => {
    const out = Tensor.from(
      tensor.toFloat32Array().map((v, i) => v * factor(i)),
      tensor.shape,
    );
    tensor.dispose();
    return out;
  };
  const norm = (j: number) => norms[j] as number;
  Object.assign(tensors, {
    wEnc: scaled(tensors.wEnc, (i) => norm(i % dSae)),
    bEnc: scaled(tensors.bEnc, norm),
    wDec: scaled(tensors.wDec, (i) => 1 / norm(Math.floor(i / dVit))),
  });
}

/**
 * The class that gives an SAE's latents, and its parameters for what that class' encoder sees. A ReLU SAE is an AutoEncoder
 * only where its decoder rows have norm 1, for AutoEncoder would scale the latents otherwise.
 * @throws SaevError `UNSUPPORTED` with the reason for what no class can hold.
 */
export function writtenAs(sae: SparseAutoencoder): { name: string; tensors: SaeTensors } {
  const { activation } = sae;
  if (activation.kind === "top-k" && activation.relu === false)
    throw new SaevError(
      "UNSUPPORTED",
      "AutoEncoderTopK of dictionary_learning drops values below 0; this top-k SAE keeps them (relu = false), so its latents would change",
    );
  const own = sae.tensors();
  let name = nameOf[activation.kind];
  if (activation.kind === "relu") {
    const units = rowNorms(own.wDec).every((norm) => Math.abs(norm - 1) <= unitTolerance / 2);
    if (sae.input === "raw" || !units) name = "AutoEncoderNew";
  }
  if (activation.kind === "batch-top-k" && sae.groupSizes !== undefined) name = "MatryoshkaBatchTopKSAE";
  const below = own.threshold?.toFloat32Array().findIndex((v) => v < 0) ?? -1;
  if (below >= 0) {
    const value = own.threshold?.toFloat32Array()[below];
    disposeTensors(own);
    throw new SaevError(
      "UNSUPPORTED",
      `JumpReluAutoEncoder of dictionary_learning drops values below 0; latent ${below} has a threshold of ${value} and may keep them`,
    );
  }
  const { input } = dictionaries[name] as Dictionary;
  if (input === sae.input) return { name, tensors: own };
  const moved = otherInput(own, input === "centred" ? 1 : -1);
  own.bEnc.dispose();
  if (moved.bMag !== own.bMag) own.bMag?.dispose();
  return { name, tensors: moved };
}

const nameOf = {
  relu: "AutoEncoder",
  gated: "GatedAutoEncoder",
  "top-k": "AutoEncoderTopK",
  "batch-top-k": "BatchTopKSAE",
  "jump-relu": "JumpReluAutoEncoder",
} as const satisfies Record<Dictionary["kind"], string> as Record<Dictionary["kind"], string>;
