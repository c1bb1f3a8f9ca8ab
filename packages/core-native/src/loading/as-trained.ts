import { type DataLoad, dataLoadDefaults } from "@saev/config";
import { SaevError } from "../errors.js";
import type { Scaling } from "../sae/scaling.js";
import { Tensor } from "../tensor.js";
import { loadMean, loadScalar, type RowScaling } from "./row-scaling.js";

/** Data as an SAE is to see it: a config, and a scaling in place of the one that the config asks for. */
export interface AsTrained<C> extends Disposable {
  /** With the clamp of the SAE's training. */
  readonly config: C;
  /** For a loader's options: empty where the config decides. */
  readonly options: { readonly scaling?: RowScaling };
}

type Scaled = Pick<DataLoad, "clamp" | "scale_mean" | "scale_norm">;

/**
 * The scaling that an SAE was trained with takes the place of one that would be computed from other data. What the config asks
 * for otherwise must be the same: nothing is read and then ignored.
 * @param scaling of the SAE; `undefined`: it is not known, and the config decides.
 * @param of names the SAE in messages.
 * @throws SaevError `INVALID_ARGUMENT` for a `clamp`, `scale_mean` or `scale_norm` that is given and another; as the files' reader.
 */
export async function asTrained<C extends Scaled>(
  config: C,
  scaling: Scaling | undefined,
  of: string,
): Promise<AsTrained<C>> {
  if (scaling === undefined) return { config, options: {}, [Symbol.dispose]() {} };
  const { actMean, scalar } = scaling;
  const differs = (field: string, given: unknown) =>
    new SaevError(
      "INVALID_ARGUMENT",
      `data.${field} = ${JSON.stringify(given)} is not how the activations of ${of} were scaled in training, which it has in its header; leave data.${field} out`,
    );
  // What is computed where it is true is taken from the training.
  const { scale_mean, scale_norm } = config;
  if (scale_mean !== true) {
    using mean = typeof scale_mean === "string" ? await loadMean(scale_mean, actMean.length) : undefined;
    const asked = mean?.toFloat32Array() ?? new Float32Array(actMean.length);
    if (asked.some((v, i) => v !== actMean[i])) throw differs("scale_mean", scale_mean);
  }
  if (scale_norm !== true) {
    const asked = typeof scale_norm === "string" ? await loadScalar(scale_norm) : 1;
    if (asked !== scalar) throw differs("scale_norm", scale_norm);
  }
  const clamp = scaling.clamp ?? config.clamp;
  if (config.clamp !== clamp && config.clamp !== dataLoadDefaults.clamp) throw differs("clamp", config.clamp);
  const own = Tensor.from(actMean);
  return {
    config: { ...config, clamp },
    options: { scaling: { actMean: own, scalar } },
    [Symbol.dispose]: () => own.dispose(),
  };
}
