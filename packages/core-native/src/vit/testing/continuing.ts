import { expect } from "vitest";
import { Tensor, type ViT } from "../../index.js";

/** Whether two arrays hold the same bits. Faster than `toEqual`, which walks them number by number. */
const sameBits = (a: Float32Array, b: Float32Array) =>
  Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));

/**
 * What `ViT.continueFrom` promises, for every layer of a model: unchanged activations give the bits of the plain forward
 * pass, and so does a replacement by themselves in either form; one changed patch changes the output and leaves the
 * other pictures alone.
 */
export async function checkContinuing(vit: ViT, input: Tensor, what: string): Promise<void> {
  const [n] = input.shape as [number];
  const { nLayers, nTokens, nPatches, dVit } = vit;
  using last = await vit.record(input, [-1]);
  using plain = await vit.forward(input);
  const expected = last.toFloat32Array();
  const embedding = plain.embedding?.toFloat32Array();
  expect(sameBits(plain.tokens.toFloat32Array(), expected), what).toBe(true);
  for (let layer = 0; layer < nLayers; layer++) {
    const at = `${what}, layer ${layer}`;
    using stream = await vit.residual(input, layer);
    expect(stream.shape, at).toEqual([n, nTokens + vit.nRegisters, dVit]);
    using recorded = await vit.record(input, [layer]);
    const rows = recorded.toFloat32Array();
    using whole = Tensor.from(rows, [n, nTokens, dVit]);
    using patches = whole.narrow(1, nTokens - nPatches, nPatches);
    for (const replacement of [undefined, whole, patches]) {
      using same = await vit.continueFrom(layer, stream, { replacement });
      expect(same.tokens.shape, at).toEqual([n, nTokens, dVit]);
      expect(sameBits(same.tokens.toFloat32Array(), expected), at).toBe(true);
      expect(same.embedding === undefined, at).toBe(embedding === undefined);
      if (embedding) expect(sameBits(same.embedding!.toFloat32Array(), embedding), at).toBe(true);
    }
    const changed = rows.slice();
    changed[nTokens * dVit - 1]! += 1; // the last patch of the first picture
    using replacement = Tensor.from(changed, [n, nTokens, dVit]);
    using moved = await vit.continueFrom(layer - nLayers, stream, { replacement });
    const tokens = moved.tokens.toFloat32Array();
    expect(tokens[nTokens * dVit - 1], at).not.toBe(expected[nTokens * dVit - 1]);
    expect(sameBits(tokens.subarray(nTokens * dVit), expected.subarray(nTokens * dVit)), at).toBe(true);
    if (layer < nLayers - 1 && moved.embedding)
      expect(moved.embedding.toFloat32Array().slice(0, vit.dEmbedding), at).not.toEqual(
        embedding!.slice(0, vit.dEmbedding),
      );
  }
}
