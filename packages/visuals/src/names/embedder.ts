import { SaevError, type ShardFolder, Tensor } from "@saev/core";
import type { Party } from "../explorer/live/open-models.js";
import { makeUnit } from "./unit.js";

/** Streams that go through the model at once. */
const batch = 16;

/** Says how far a step has come. */
export interface StepOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onStep?: ((done: number, total: number) => void) | undefined;
}

/**
 * The rest of a model's forward pass after the layer that an SAE reads, from recorded activations: neither pictures nor the
 * blocks before it are needed.
 */
export class Embedder {
  readonly #place: number;
  readonly #holes: ReadonlySet<number>;

  /**
   * @param layer as the recording names it.
   * @throws SaevError `UNSUPPORTED` for models without an embedding and for those with register tokens, which recordings leave
   * out; `SHAPE_MISMATCH` for a recording of another model.
   */
  constructor(
    readonly party: Party,
    layer: number,
  ) {
    const { vit, ckpt, shards } = party;
    if (vit.dEmbedding === 0)
      throw new SaevError("UNSUPPORTED", `the model ${ckpt} gives pictures no embedding`);
    if (vit.nRegisters > 0) {
      throw new SaevError(
        "UNSUPPORTED",
        `the model ${ckpt} has register tokens, which its recordings leave out`,
      );
    }
    if (shards.tokensPerImage !== vit.nTokens) {
      throw new SaevError(
        "SHAPE_MISMATCH",
        `${shards.dir} has ${shards.tokensPerImage} tokens of an image, the model ${ckpt} ${vit.nTokens}`,
      );
    }
    this.#place = shards.layerPlace(layer);
    this.#holes = new Set(shards.holes);
  }

  /** Width of an embedding. */
  get width(): number {
    return this.party.vit.dEmbedding;
  }

  /** Whether an image was recorded. */
  has(image: number): boolean {
    return image >= 0 && image < this.#shards.imagesDone && !this.#holes.has(image);
  }

  /** At most `most` recorded images, evenly spread. */
  sample(most: number): number[] {
    const all = Array.from({ length: this.#shards.imagesDone }, (_, i) => i).filter((i) => this.has(i));
    const n = Math.min(most, all.length);
    return Array.from({ length: n }, (_, i) => all[Math.floor((i * all.length) / n)]!);
  }

  /** The unit embeddings of images, float32 [images, width]. */
  async images(images: readonly number[], { signal, onStep }: StepOptions = {}): Promise<Float32Array> {
    const { dVit, nTokens } = this.party.vit;
    const out = new Float32Array(images.length * this.width);
    for (let from = 0; from < images.length; from += batch) {
      const some = images.slice(from, from + batch);
      const streams = new Float32Array(some.length * nTokens * dVit);
      for (const [i, image] of some.entries()) streams.set(await this.#stream(image), i * nTokens * dVit);
      out.set(await this.#embed(streams, signal), from * this.width);
      onStep?.(from + some.length, images.length);
    }
    return out;
  }

  /** The mean of the residual streams of images, float32 [nTokens, dVit]. */
  async meanStream(images: readonly number[]): Promise<Float32Array> {
    const { dVit, nTokens } = this.party.vit;
    const mean = new Float64Array(nTokens * dVit);
    for (const image of images) {
      const stream = await this.#stream(image);
      for (let i = 0; i < mean.length; i++) mean[i]! += stream[i]! / images.length;
    }
    return Float32Array.from(mean);
  }

  /**
   * The unit embeddings of one stream with something added to its tokens: to CLS for an SAE of CLS, else to all of them. What a
   * direction of patches means to CLS is only seen through attention where it is not in CLS itself, and after the last block
   * not at all; the residual stream is one space, and a direction that writes "fur" writes it for whichever token.
   * @param stream float32 [nTokens, dVit]. @param added float32 [n, dVit], in the model's units.
   * @returns float32 [n, width].
   */
  async moved(stream: Float32Array, added: Float32Array, signal?: AbortSignal): Promise<Float32Array> {
    const { vit, reads } = this.party;
    const { dVit, nTokens } = vit;
    const n = added.length / dVit;
    const size = nTokens * dVit;
    const end = reads === "cls" ? 1 : nTokens;
    const out = new Float32Array(n * this.width);
    for (let from = 0; from < n; from += batch) {
      const some = Math.min(batch, n - from);
      const streams = new Float32Array(some * size);
      for (let i = 0; i < some; i++) {
        streams.set(stream, i * size);
        for (let at = 0; at < end * dVit; at++)
          streams[i * size + at]! += added[(from + i) * dVit + (at % dVit)]!;
      }
      out.set(await this.#embed(streams, signal), from * this.width);
    }
    return out;
  }

  get #shards(): ShardFolder {
    return this.party.shards;
  }

  async #stream(image: number): Promise<Float32Array> {
    const { dVit, nTokens } = this.party.vit;
    const size = nTokens * dVit;
    return (await this.#shards.readImage(image)).subarray(this.#place * size, (this.#place + 1) * size);
  }

  /** @param streams float32 [n, nTokens, dVit]. */
  async #embed(streams: Float32Array, signal: AbortSignal | undefined): Promise<Float32Array> {
    const { vit, layer } = this.party;
    const count = streams.length / (vit.nTokens * vit.dVit);
    using stream = Tensor.from(streams, [count, vit.nTokens, vit.dVit]);
    using outputs = await vit.continueFrom(layer, stream, { signal });
    return makeUnit(outputs.embedding!.toFloat32Array(), this.width);
  }
}
