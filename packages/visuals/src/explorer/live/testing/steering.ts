import path from "node:path";
import { ActivationLoader, SparseAutoencoder, Tensor, ViT, writeSafetensors } from "@saev/core";
import { expect, test } from "vitest";
import { dSae, dVit, layer, nPatches, picture } from "../../../testing/live-run.js";
import type { LiveModel, Steered } from "../api.js";
import { LivePictures } from "../live-pictures.js";
import { PatchHead } from "../patch-head.js";
import { explorer, head, headLabels, views } from "./live-explorer.js";

const steered = async (view: string, id: string, body: unknown) =>
  (await (await explorer.steer(view, id, body)).json()) as Steered;

/** The label of each patch, in float64. */
function labelled(patches: Float32Array): number[] {
  const [weight, bias] = [head.weight.toFloat32Array(), head.bias.toFloat32Array()];
  return Array.from({ length: patches.length / dVit }, (_, p) => {
    const logits = headLabels.map((_, c) => {
      let sum = bias[c]!;
      for (let i = 0; i < dVit; i++) sum += weight[c * dVit + i]! * patches[p * dVit + i]!;
      return sum;
    });
    return logits.indexOf(Math.max(...logits));
  });
}

test("a head labels patches by the recorded activations, and its labels move as steering moves those", async () => {
  expect(await explorer.json<LiveModel>(`${views.patches}/live/model.json`)).toMatchObject({
    patchLabels: headLabels,
  });
  using loader = await ActivationLoader.open(explorer.data, { order: "ordered", nWorkers: 0 });
  using batch = (await loader.next(nPatches))!;
  const x = batch.acts.toFloat32Array();
  const { about } = await explorer.latentsOf(views.patches, "d0");
  expect(about.patchLabels).toEqual(labelled(x));
  // The SAE of CLS changes no patch of its layer, and the same activations are read there.
  expect((await explorer.latentsOf(views.cls, "d0")).about.patchLabels).toEqual(about.patchLabels);
  const sae = await SparseAutoencoder.load(path.join(explorer.folder, "sae.pt"));
  const decoder = sae.tensors().wDec.toFloat32Array();
  const [latent, to] = [3, 40];
  using encoded = await sae.encode(batch.acts);
  const dense = encoded.toDense();
  const moved = x.map((v, i) => {
    const [row, column] = [Math.floor(i / dVit), i % dVit];
    return v + (to - dense[row * dSae + latent]!) * decoder[latent * dVit + column]!;
  });
  const steering = { changes: [{ latent, kind: "set", value: to }], rows: null, keepError: true };
  const moves = await steered(views.patches, "d0", steering);
  expect(moves.patchLabels).toEqual({ before: labelled(x), after: labelled(moved) });
  expect(labelled(moved)).not.toEqual(labelled(x));
  const reconstructed = await steered(views.patches, "d0", {
    changes: [{ latent, kind: "scale", value: 1 }],
    rows: null,
    keepError: false,
  });
  using decoded = await sae.decode(encoded);
  expect(reconstructed.patchLabels).toEqual({
    before: labelled(decoded.toFloat32Array()),
    after: labelled(decoded.toFloat32Array()),
  });

  // A head of the last block's patches: they are others, and steering moves them too.
  const file = path.join(explorer.folder, "last.safetensors");
  await writeSafetensors(file, head, { metadata: { labels: JSON.stringify(headLabels), reads: "last" } });
  const live = new LivePictures(undefined, explorer.collection.texts, await PatchHead.open(file));
  const view = explorer.collection.views.get(views.patches)!;
  using vit = await ViT.load("clip", path.join(explorer.folder, "model"));
  using input = await vit.preprocess([await picture(0).png().toBuffer()]);
  using last = await vit.residual(input, -1);
  using stream = await vit.residual(input, layer);
  using replacement = Tensor.from(Float32Array.from(moved), [1, nPatches, dVit]);
  using outputs = await vit.continueFrom(layer, stream, { replacement });
  const [before, after] = [last, outputs.tokens].map((all) => labelled(all.toFloat32Array().slice(dVit))); // without CLS
  expect((await live.picture(view, "d0")).about.patchLabels).toEqual(before);
  expect((await live.steer(view, "d0", steering)).patchLabels).toEqual({ before, after });
  live.dispose();
  expect(before).not.toEqual(about.patchLabels);
  expect(after).not.toEqual(before);
});

test("steering is what going on from the changed reconstruction gives", async () => {
  const { about, rowStart, latent, value } = await explorer.latentsOf(views.patches, "d2");
  expect(about.l0).toBeCloseTo(rowStart[nPatches]! / nPatches, 6);
  const untouched = await steered(views.patches, "d2", { changes: [], rows: null, keepError: true });
  expect(untouched.moved).toEqual(new Array(nPatches).fill(0));
  expect(Math.max(...untouched.output.map(Math.abs))).toBeLessThan(1e-6);
  expect(untouched.embedding).toBeCloseTo(1, 6);
  expect(untouched.before).toEqual(untouched.after);

  const j = latent[rowStart[5]!]!; // fires in patch 5
  const changes = [{ latent: j, kind: "set", value: 3 }];
  const found = await steered(views.patches, "d2", { changes, rows: [5], keepError: true });
  expect(found.moved.map((v) => v > 0)).toEqual(Array.from({ length: nPatches }, (_, r) => r === 5));

  // The same by hand.
  using vit = await ViT.load("clip", path.join(explorer.folder, "model"));
  using loader = await ActivationLoader.open(explorer.data, { order: "ordered", nWorkers: 0 });
  const sae = await SparseAutoencoder.load(path.join(explorer.folder, "sae.pt"));
  const direction = sae
    .tensors()
    .wDec.toFloat32Array()
    .subarray(j * dVit, (j + 1) * dVit);
  using input = await vit.preprocess([await picture(2).png().toBuffer()]);
  using stream = await vit.residual(input, layer);
  using before = await vit.continueFrom(layer, stream);
  const rows = stream.toFloat32Array().slice(dVit); // without CLS
  const by = 3 - value[rowStart[5]!]!;
  for (let i = 0; i < dVit; i++) rows[5 * dVit + i]! += loader.scalar * by * direction[i]!;
  using replacement = Tensor.from(rows, [1, nPatches, dVit]);
  using after = await vit.continueFrom(layer, stream, { replacement });
  const [a, b] = [before.embedding!.toFloat32Array(), after.embedding!.toFloat32Array()];
  const cosine = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  expect(found.embedding).toBeCloseTo(cosine, 5);
  expect(found.embedding).toBeLessThan(1 - 1e-5);
  expect(found.after).not.toEqual(found.before);
  expect(found.after!.reduce((x, y) => x + y, 0)).toBeCloseTo(1, 6);

  // Without what the SAE does not explain, the pass before is the reconstruction's.
  const bare = await steered(views.patches, "d2", { changes: [], rows: null, keepError: false });
  expect(bare.embedding).toBeCloseTo(1, 6);
  // Multiplying by 0 is leaving it out, in every patch.
  const off = await steered(views.patches, "d2", {
    changes: [{ latent: j, kind: "scale", value: 0 }],
    rows: null,
    keepError: true,
  });
  const fires = Array.from({ length: nPatches }, (_, r) =>
    latent.subarray(rowStart[r]!, rowStart[r + 1]!).includes(j),
  );
  expect(off.moved.map((v) => v > 0)).toEqual(fires);
});

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, v, i) => sum + v * b[i]!, 0);

test("an SAE of CLS tokens is steered there", async () => {
  const { latent } = await explorer.latentsOf(views.cls, "d1");
  const found = await steered(views.cls, "d1", {
    changes: [{ latent: latent[0]!, kind: "scale", value: 5 }],
    rows: null,
    keepError: true,
  });
  expect([found.moved.length, found.output.length]).toEqual([1, 1]);
  expect(found.moved[0]).toBeGreaterThan(0);
  expect(found.embedding).toBeLessThan(1);
});
