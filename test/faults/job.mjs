import { SparseAutoencoder, Tensor } from "@saev/core";

/**
 * Encodes some rows with an SAE large enough that it takes a good part of a second, again and again until it is stopped. Plain
 * JavaScript, as what runs it: a thread that starts from source takes seconds.
 */
export class Job {
  #sae;
  #x;

  constructor(rows = 1024, dVit = 512, dSae = 4096) {
    const ones = (shape, value) =>
      Tensor.from(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value), shape);
    this.#sae = SparseAutoencoder.from({
      wEnc: ones([dVit, dSae], 0.01),
      bEnc: ones([dSae], -1),
      wDec: ones([dSae, dVit], 0.01),
      bDec: ones([dVit], 0),
    });
    this.#x = ones([rows, dVit], 1);
  }

  /** One pass. @returns the number of active latents, the same every time. */
  async once(options) {
    const latents = await this.#sae.encode(this.#x, options);
    const { nnz } = latents;
    latents.dispose();
    return nnz;
  }
}
