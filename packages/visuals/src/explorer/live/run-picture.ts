import { cropImage, Latents, type Pixels, Tensor, type ViTOutputs } from "@saev/core";
import sharp from "sharp";
import { scaledTransform, viewSize } from "../../view.js";
import type { Change, Steered, Steering } from "./api.js";
import type { ClassScores } from "./class-scores.js";
import type { Party } from "./open-models.js";
import type { PatchHead } from "./patch-head.js";
import { cosine, explainedVariance, length } from "./vectors.js";

/** What a forward pass ends in, in JavaScript's memory. */
interface Ends {
  readonly tokens: Float32Array;
  readonly embedding: Float32Array | undefined;
}

/** A picture after the model and the SAE: all that its page and steering need, and no native memory. */
export interface SeenPicture {
  readonly webp: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** float32 [1, tokens, d_vit]: the residual stream, registers included. */
  readonly stream: Float32Array;
  /** What the SAE reads, float32 [rows, d_vit], and its reconstruction, both in the model's own units. */
  readonly x: Float32Array;
  readonly xHat: Float32Array;
  readonly rowStart: Int32Array;
  readonly latent: Int32Array;
  readonly value: Float32Array;
  /** Of the picture as it is, and with the reconstruction in place of what the SAE reads. */
  readonly plain: Ends;
  readonly reconstructed: Ends;
  readonly l0: number;
  readonly explainedVariance: number | null;
}

/** Bytes that it holds. */
export const bytesOf = (seen: SeenPicture): number =>
  [seen.webp, seen.stream, seen.x, seen.xHat, seen.rowStart, seen.latent, seen.value]
    .concat(seen.plain.tokens, seen.reconstructed.tokens)
    .reduce((sum, part) => sum + part.byteLength, 0);

/**
 * Runs a picture through the model, the SAE, and what comes after it.
 * @throws SaevError `NUMERIC` for activations that are not finite.
 */
export async function seePicture(pixels: Pixels, party: Party): Promise<SeenPicture> {
  const { vit, sae, layer } = party;
  using input = await vit.preprocess([pixels]);
  using stream = await vit.residual(input, layer);
  const all = stream.toFloat32Array();
  const x = rowsRead(all, party);
  const d = vit.dVit;
  using scaled = Tensor.from(scale(x, party), [x.length / d, d]);
  using latents = await sae.encode(scaled);
  using decoded = await sae.decode(latents);
  const xHat = unscale(decoded.toFloat32Array(), party);
  using plain = await vit.continueFrom(layer, stream);
  using replacement = replacing(xHat, all, party);
  using reconstructed = await vit.continueFrom(layer, stream, { replacement });
  const rowStart = Int32Array.from(latents.rowStart.toTypedArray() as BigInt64Array, Number);
  const rows = rowStart.length - 1;
  return {
    webp: await shown(pixels, party),
    ...{ width: pixels.width, height: pixels.height, stream: all, x, xHat, rowStart },
    latent: latents.latent.toTypedArray() as Int32Array,
    value: latents.value.toFloat32Array(),
    plain: endsOf(plain),
    reconstructed: endsOf(reconstructed),
    l0: rowStart[rows]! / rows,
    explainedVariance: explainedVariance(x, xHat, d),
  };
}

/** What changes to latents do to the rest of the forward pass. */
export async function steer(
  seen: SeenPicture,
  steering: Steering,
  party: Party,
  classes: ClassScores | undefined,
  head: PatchHead | undefined,
): Promise<Steered> {
  const { vit, sae, layer } = party;
  const d = vit.dVit;
  using latents = changed(seen, steering, sae.dSae);
  using decoded = await sae.decode(latents);
  const after = unscale(decoded.toFloat32Array(), party);
  const { keepError } = steering;
  // x + (x̂ after − x̂ before), or x̂ after alone.
  const rows = after.map((v, i) => (keepError ? seen.x[i]! + (v - seen.xHat[i]!) : v));
  using stream = Tensor.from(seen.stream, [1, seen.stream.length / d, d]);
  using replacement = replacing(rows, seen.stream, party);
  using outputs = await vit.continueFrom(layer, stream, { replacement });
  const before = keepError ? seen.plain : seen.reconstructed;
  const ends = endsOf(outputs);
  const nRows = rows.length / d;
  const first = party.reads === "cls" ? 0 : vit.nTokens - vit.nPatches;
  const row = (of: Float32Array, r: number) => of.subarray(r * d, (r + 1) * d);
  const byRow = (figure: (r: number) => number) => Array.from({ length: nRows }, (_, r) => figure(r));
  return {
    moved: byRow((r) => {
      const change = row(after, r).map((v, i) => v - seen.xHat[r * d + i]!);
      return length(change) / (length(row(seen.x, r)) || 1);
    }),
    output: byRow((r) => 1 - cosine(row(ends.tokens, first + r), row(before.tokens, first + r))),
    embedding: ends.embedding && before.embedding ? cosine(ends.embedding, before.embedding) : null,
    ...scoresOf(classes, before.embedding, ends.embedding),
    ...(head && {
      patchLabels: {
        before: head.of(
          patchesFor(
            head,
            keepError || party.reads === "cls" ? seen.stream : seen.xHat,
            before.tokens,
            party,
          ),
        ),
        after: head.of(patchesFor(head, party.reads === "cls" ? seen.stream : rows, ends.tokens, party)),
      },
    }),
  };
}

/** What the picture's patches are, as it is. */
export const patchLabelsOf = (seen: SeenPicture, head: PatchHead, party: Party): number[] =>
  head.of(patchesFor(head, seen.stream, seen.plain.tokens, party));

/** The activations that a head reads, [patches, d_vit]. @param layer of the SAE's layer, patches last. @param last of the last block. */
function patchesFor(head: PatchHead, layer: Float32Array, last: Float32Array, { vit }: Party): Float32Array {
  return (head.reads === "layer" ? layer : last).slice(-vit.nPatches * vit.dVit);
}

const endsOf = ({ tokens, embedding }: ViTOutputs): Ends => ({
  tokens: tokens.toFloat32Array(),
  embedding: embedding?.toFloat32Array(),
});

function scoresOf(
  classes: ClassScores | undefined,
  before: Float32Array | undefined,
  after: Float32Array | undefined,
): Pick<Steered, "before" | "after"> {
  if (!classes || !before || !after) return {};
  const scores = { before: classes.of(before), after: classes.of(after) };
  return scores.before && scores.after ? scores : {};
}

/** The patches, or the CLS token, out of the residual stream. */
function rowsRead(stream: Float32Array, { vit, reads }: Party): Float32Array {
  const d = vit.dVit;
  return reads === "cls" ? stream.slice(0, d) : stream.slice(stream.length - vit.nPatches * d);
}

/** What goes into the model in the SAE's place: patches, or CLS before patches as they were. */
function replacing(rows: Float32Array, stream: Float32Array, { vit, reads }: Party): Tensor {
  const d = vit.dVit;
  if (reads === "patches") return Tensor.from(rows, [1, vit.nPatches, d]);
  const whole = new Float32Array(vit.nTokens * d);
  whole.set(rows);
  whole.set(stream.subarray(stream.length - vit.nPatches * d), d);
  return Tensor.from(whole, [1, vit.nTokens, d]);
}

function scale(x: Float32Array, { scaling: { clamp, mean, scalar } }: Party): Float32Array {
  const d = mean.length;
  return x.map((v, i) => (Math.max(-clamp, Math.min(clamp, v)) - mean[i % d]!) / scalar);
}

function unscale(x: Float32Array, { scaling: { mean, scalar } }: Party): Float32Array {
  const d = mean.length;
  return x.map((v, i) => v * scalar + mean[i % d]!);
}

/** The picture's latents with the changes made; of a latent that is changed twice, the last change holds. */
function changed(seen: SeenPicture, { changes, rows }: Steering, dSae: number): Latents {
  const byLatent = new Map<number, Change>(changes.map((change) => [change.latent, change]));
  const wanted = rows && new Set(rows);
  const nRows = seen.rowStart.length - 1;
  const rowStart = [0n];
  const latent: number[] = [];
  const value: number[] = [];
  for (let r = 0; r < nRows; r++) {
    const active = new Map<number, number>();
    for (let q = seen.rowStart[r]!; q < seen.rowStart[r + 1]!; q++)
      active.set(seen.latent[q]!, seen.value[q]!);
    if (!wanted || wanted.has(r)) {
      for (const { kind, latent: j, value: v } of byLatent.values()) {
        const to = kind === "set" ? v : (active.get(j) ?? 0) * v;
        if (to === 0) active.delete(j);
        else active.set(j, to);
      }
    }
    for (const j of [...active.keys()].sort((a, b) => a - b)) {
      latent.push(j);
      value.push(active.get(j)!);
    }
    rowStart.push(BigInt(latent.length));
  }
  return new Latents(
    Tensor.from(BigInt64Array.from(rowStart)),
    Tensor.from(Int32Array.from(latent)),
    Tensor.from(Float32Array.from(value)),
    dSae,
  );
}

/** The picture as the model saw it, in the model's shape, at least 448 pixels on the longer side. */
async function shown(pixels: Pixels, { vit: { transform } }: Party): Promise<Uint8Array> {
  const longer = Math.max(viewSize, transform.width, transform.height);
  const { width, height, data } = await cropImage(pixels, scaledTransform(transform, longer));
  return sharp(data, { raw: { width, height, channels: 3 } })
    .webp({ quality: 84, effort: 2 })
    .toBuffer();
}
