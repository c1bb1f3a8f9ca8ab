import { nearestRows, SaevError, SparseAutoencoder, Tensor } from "@saev/core";
import type { Neighbour } from "../api.js";
import type { OpenView } from "../views/open-view.js";

const opened = new WeakMap<OpenView, Promise<Tensor>>();

/**
 * W_dec of a view's SAE, float32 `[d_sae, d_vit]`, read when it is first asked for.
 * @throws SaevError `NOT_FOUND` where the visuals do not say whose they are or the checkpoint is gone, `SHAPE_MISMATCH`.
 */
export function decoderOf(view: OpenView): Promise<Tensor> {
  let decoder = opened.get(view);
  if (!decoder) {
    decoder = readDecoder(view);
    opened.set(view, decoder);
    // It may be there the next time.
    decoder.catch(() => opened.delete(view));
  }
  return decoder;
}

async function readDecoder(view: OpenView): Promise<Tensor> {
  const { checkpoint } = view;
  if (checkpoint === undefined) {
    throw new SaevError("NOT_FOUND", `${view.title} does not say which SAE it shows`);
  }
  using sae = await SparseAutoencoder.load(checkpoint);
  if (sae.dSae !== view.tables.dSae) {
    throw new SaevError(
      "SHAPE_MISMATCH",
      `${checkpoint} has ${sae.dSae} latents, ${view.title} shows ${view.tables.dSae}: it is another SAE`,
    );
  }
  return sae.tensors().wDec;
}

/** The `k` latents whose decoder directions are nearest to a latent's, best first. */
export async function neighboursOf(view: OpenView, latent: number, k: number): Promise<Neighbour[]> {
  const decoder = await decoderOf(view);
  using row = decoder.narrow(0, latent, 1);
  // One more than wanted: the nearest is the latent itself, unless another has the same direction.
  const { index, cosine } = await nearestRows(row, decoder, k + 1);
  const latents = index.toTypedArray() as Int32Array;
  const cosines = cosine.toFloat32Array();
  return Array.from(latents, (other, i) => ({ latent: other, cosine: cosines[i]! }))
    .filter(({ latent: other }) => other !== latent)
    .slice(0, k);
}

/** The rows of the decoder whose latents fire, and which they are. */
export async function livingRows(view: OpenView): Promise<{ rows: Tensor; latents: Uint32Array }> {
  const decoder = await decoderOf(view);
  const [, dVit = 0] = decoder.shape;
  const all = decoder.toFloat32Array();
  const latents = Uint32Array.from(view.tables.frequency.keys()).filter(
    (latent) => view.tables.frequency[latent]! > 0,
  );
  const rows = new Float32Array(latents.length * dVit);
  latents.forEach((latent, i) => {
    rows.set(all.subarray(latent * dVit, (latent + 1) * dVit), i * dVit);
  });
  return { rows: Tensor.from(rows, [latents.length, dVit]), latents };
}
