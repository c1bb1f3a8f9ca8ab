import path from "node:path";
import { ActivationLoader, SparseAutoencoder } from "@saev/core";
import { expect, test } from "vitest";
import { nImages, nPatches, picture } from "../../../testing/live-run.js";
import type { LiveModel, LivePicture } from "../api.js";
import { explorer, views } from "./live-explorer.js";

/** Of float32 sums in another order; latents are of size 1. */
const tolerance = 1e-5;

test("the model behind visuals is described, and what is missing is said", async () => {
  expect(await explorer.json<LiveModel>(`${views.patches}/live/model.json`)).toMatchObject({
    ...{ ok: true, family: "clip", layer: 1, nLayers: 3, rows: 4, columns: 4, reads: "patches" },
    embedding: "the CLS token after the last layer, projected to where texts are",
    classes: ["a cat", "a dog", "<b>"],
  });
  expect(await explorer.json<LiveModel>(`${views.cls}/live/model.json`)).toMatchObject({
    ok: true,
    reads: "cls",
  });
  const missing = await explorer.json<LiveModel>(`${views.gone}/live/model.json`);
  expect(missing).toEqual({ ok: false, why: expect.stringMatching(/vit_ckpt "made-up" names nothing here/) });
  expect((await explorer.ask(`${views.gone}/view.json`)).status).toBe(200);
  const refused = await explorer.upload(views.gone, await picture(0).png().toBuffer());
  expect([refused.status, await refused.json()]).toEqual([
    404,
    { error: expect.stringContaining("made-up") },
  ]);
});

test.each(["patches", "cls"] as const)(
  "images of the dataset give the latents of the recording: %s",
  async (reads) => {
    const sae = await SparseAutoencoder.load(path.join(explorer.folder, "sae.pt"));
    using loader = await ActivationLoader.open(
      { ...explorer.data, patches: reads },
      { order: "ordered", nWorkers: 0 },
    );
    const view = views[reads];
    const rows = reads === "cls" ? 1 : nPatches;
    for (let image = 0; image < nImages; image++) {
      using batch = (await loader.next(rows))!;
      using expected = await sae.encode(batch.acts);
      const found = await explorer.latentsOf(view, `d${image}`);
      expect(found.about).toMatchObject({ id: `d${image}`, name: `all/${image}.png`, label: "all", rows });
      expect([...found.rowStart]).toEqual(
        [...(expected.rowStart.toTypedArray() as BigInt64Array)].map(Number),
      );
      expect([...found.latent]).toEqual([...(expected.latent.toTypedArray() as Int32Array)]);
      const values = expected.value.toFloat32Array();
      expect(Math.max(...found.value.map((v, i) => Math.abs(v - values[i]!)))).toBeLessThan(tolerance);
      expect(found.value.length).toBeGreaterThan(0);
    }
  },
);

test("an upload gives what the same image of the dataset gives, whatever its format", async () => {
  const bytes = await picture(3).png().toBuffer();
  const answer = await explorer.upload(views.patches, bytes);
  expect(answer.status).toBe(201);
  const { id } = (await answer.json()) as LivePicture;
  expect(id).toMatch(/^u[0-9a-f]{24}$/);
  const [ours, theirs] = [
    await explorer.latentsOf(views.patches, id),
    await explorer.latentsOf(views.patches, "d3"),
  ];
  expect(ours.value).toEqual(theirs.value);
  expect(ours.about).toEqual({ ...theirs.about, id, name: "", label: "" });
  expect(ours.about.scores!.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6);
  const shown = await explorer.ask(`${views.patches}/live/pictures/${id}/picture.webp`);
  expect(shown.headers.get("content-type")).toBe("image/webp");
  for (const format of ["jpeg", "webp", "tiff", "gif"] as const) {
    const other = await explorer.upload(views.patches, await picture(3)[format]().toBuffer());
    expect([format, other.status]).toEqual([format, 201]);
  }
});
