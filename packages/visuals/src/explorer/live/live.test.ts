import { readdirSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import path from "node:path";
import type { DataLoad } from "@saev/config";
import { ActivationLoader, SparseAutoencoder, Tensor, ViT, writeSafetensors } from "@saev/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { scratchFolder } from "../../../../core-native/src/activations/testing/dataset.js";
import { randomNumbers } from "../../../../core-native/src/vit/testing/tiny-clip.js";
import { makeVisuals } from "../../make-visuals.js";
import { dSae, dVit, layer, liveRun, nImages, nPatches, picture } from "../../testing/live-run.js";
import { smallRun } from "../../testing/small-run.js";
import { Collection } from "../collection.js";
import { explorerApi } from "../server/app.js";
import { type ExplorerServer, serveExplorer } from "../server/serve.js";
import type { LiveModel, LivePicture, Steered } from "./api.js";
import { largestUpload } from "./limits.js";
import { LivePictures } from "./live-pictures.js";
import { PatchHead } from "./patch-head.js";

// Tiny models gain nothing from threads, and lose much where other processes take the cores.
process.env.OMP_NUM_THREADS = "1";

const folder = scratchFolder("saev-live-");
const token = "t0ken";
const classes = path.join(folder, "classes.safetensors");
const patchHead = path.join(folder, "head.safetensors");
const headLabels = ["sky", "grass", "bird"];
const head = {
  weight: Tensor.from(
    Float32Array.from({ length: 3 * dVit }, (_, i) => Math.sin(5 * i)),
    [3, dVit],
  ),
  bias: Tensor.from(Float32Array.of(0.1, 0, -0.1)),
};
let data: DataLoad;
let collection: Collection;
let server: ExplorerServer;
let [patches, cls, gone] = ["", "", ""];

beforeAll(async () => {
  const cfg = await liveRun(folder);
  data = cfg.data;
  const ofPatches = (await makeVisuals(cfg)).root;
  const ofCls = (await makeVisuals({ ...cfg, data: { ...data, patches: "cls" }, sort_by: "cls" })).root;
  const withoutModel = (
    await makeVisuals({ ...(await smallRun(path.join(folder, "made-up"))), n_latents: 2 })
  ).root;
  await writeSafetensors(
    classes,
    {
      embeddings: Tensor.from(
        Float32Array.from({ length: 24 }, (_, i) => Math.cos(3 * i)),
        [3, 8],
      ),
    },
    { metadata: { labels: JSON.stringify(["a cat", "a dog", "<b>"]), logit_scale: "10" } },
  );
  await writeSafetensors(patchHead, head, { metadata: { labels: JSON.stringify(headLabels) } });
  collection = await Collection.open([ofPatches, ofCls, withoutModel], { classes, patchHead });
  server = await serveExplorer(collection, { token });
  const id = (root: string) => [...collection.views.values()].find((v) => v.tables.folder === root)!.id;
  [patches, cls, gone] = [id(ofPatches), id(ofCls), id(withoutModel)];
}, 120_000);
afterAll(async () => {
  await server?.close();
  collection?.dispose();
  rmSync(folder, { recursive: true, force: true });
});

function ask(address: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${server.port}/api/views/${address}`, {
    ...init,
    headers: {
      cookie: `saev-${server.port}=${token}`,
      origin: `http://127.0.0.1:${server.port}`,
      ...init.headers,
    },
  });
}
const json = async <T>(answer: Promise<Response>) => (await (await answer).json()) as T;
const upload = (view: string, bytes: Uint8Array) =>
  ask(`${view}/live/pictures`, { method: "POST", body: bytes as Uint8Array<ArrayBuffer> });
const steer = (view: string, id: string, body: unknown) =>
  ask(`${view}/live/pictures/${id}/steer`, { method: "POST", body: JSON.stringify(body) });

async function latentsOf(view: string, id: string) {
  const about = await json<LivePicture>(ask(`${view}/live/pictures/${id}/picture.json`));
  const bytes = await (await ask(`${view}/live/pictures/${id}/latents.bin`)).arrayBuffer();
  const rowStart = new Int32Array(bytes, 0, about.rows + 1);
  const n = rowStart[about.rows]!;
  const at = 4 * (about.rows + 1);
  return {
    about,
    rowStart,
    latent: new Int32Array(bytes, at, n),
    value: new Float32Array(bytes, at + 4 * n, n),
  };
}

/** Of float32 sums in another order; latents are of size 1. */
const tolerance = 1e-5;

test("the model behind visuals is described, and what is missing is said", async () => {
  expect(await json<LiveModel>(ask(`${patches}/live/model.json`))).toMatchObject({
    ...{ ok: true, family: "clip", layer: 1, nLayers: 3, rows: 4, columns: 4, reads: "patches" },
    embedding: "the CLS token after the last layer, projected to where texts are",
    classes: ["a cat", "a dog", "<b>"],
  });
  expect(await json<LiveModel>(ask(`${cls}/live/model.json`))).toMatchObject({ ok: true, reads: "cls" });
  const missing = await json<LiveModel>(ask(`${gone}/live/model.json`));
  expect(missing).toEqual({ ok: false, why: expect.stringMatching(/vit_ckpt "made-up" names nothing here/) });
  expect((await ask(`${gone}/view.json`)).status).toBe(200);
  const refused = await upload(gone, await picture(0).png().toBuffer());
  expect([refused.status, await refused.json()]).toEqual([
    404,
    { error: expect.stringContaining("made-up") },
  ]);
});

test.each(["patches", "cls"] as const)(
  "images of the dataset give the latents of the recording: %s",
  async (reads) => {
    const sae = await SparseAutoencoder.load(path.join(folder, "sae.pt"));
    using loader = await ActivationLoader.open(
      { ...data, patches: reads },
      { order: "ordered", nWorkers: 0 },
    );
    const view = reads === "cls" ? cls : patches;
    const rows = reads === "cls" ? 1 : nPatches;
    for (let image = 0; image < nImages; image++) {
      using batch = (await loader.next(rows))!;
      using expected = await sae.encode(batch.acts);
      const found = await latentsOf(view, `d${image}`);
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
  expect(await json<LiveModel>(ask(`${patches}/live/model.json`))).toMatchObject({ patchLabels: headLabels });
  using loader = await ActivationLoader.open(data, { order: "ordered", nWorkers: 0 });
  using batch = (await loader.next(nPatches))!;
  const x = batch.acts.toFloat32Array();
  const { about } = await latentsOf(patches, "d0");
  expect(about.patchLabels).toEqual(labelled(x));
  // The SAE of CLS changes no patch of its layer, and the same activations are read there.
  expect((await latentsOf(cls, "d0")).about.patchLabels).toEqual(about.patchLabels);
  const sae = await SparseAutoencoder.load(path.join(folder, "sae.pt"));
  const decoder = sae.tensors().wDec.toFloat32Array();
  const [latent, to] = [3, 40];
  using encoded = await sae.encode(batch.acts);
  const dense = encoded.toDense();
  const moved = x.map((v, i) => {
    const [row, column] = [Math.floor(i / dVit), i % dVit];
    return v + (to - dense[row * dSae + latent]!) * decoder[latent * dVit + column]!;
  });
  const steering = { changes: [{ latent, kind: "set", value: to }], rows: null, keepError: true };
  const steered = await json<Steered>(steer(patches, "d0", steering));
  expect(steered.patchLabels).toEqual({ before: labelled(x), after: labelled(moved) });
  expect(labelled(moved)).not.toEqual(labelled(x));
  const reconstructed = await json<Steered>(
    steer(patches, "d0", { changes: [{ latent, kind: "scale", value: 1 }], rows: null, keepError: false }),
  );
  using decoded = await sae.decode(encoded);
  expect(reconstructed.patchLabels).toEqual({
    before: labelled(decoded.toFloat32Array()),
    after: labelled(decoded.toFloat32Array()),
  });

  // A head of the last block's patches: they are others, and steering moves them too.
  const file = path.join(folder, "last.safetensors");
  await writeSafetensors(file, head, { metadata: { labels: JSON.stringify(headLabels), reads: "last" } });
  const live = new LivePictures(undefined, collection.texts, await PatchHead.open(file));
  const view = collection.views.get(patches)!;
  using vit = await ViT.load("clip", path.join(folder, "model"));
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

test("an upload gives what the same image of the dataset gives, whatever its format", async () => {
  const bytes = await picture(3).png().toBuffer();
  const answer = await upload(patches, bytes);
  expect(answer.status).toBe(201);
  const { id } = (await answer.json()) as LivePicture;
  expect(id).toMatch(/^u[0-9a-f]{24}$/);
  const [ours, theirs] = [await latentsOf(patches, id), await latentsOf(patches, "d3")];
  expect(ours.value).toEqual(theirs.value);
  expect(ours.about).toEqual({ ...theirs.about, id, name: "", label: "" });
  expect(ours.about.scores!.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6);
  const shown = await ask(`${patches}/live/pictures/${id}/picture.webp`);
  expect(shown.headers.get("content-type")).toBe("image/webp");
  for (const format of ["jpeg", "webp", "tiff", "gif"] as const) {
    const other = await upload(patches, await picture(3)[format]().toBuffer());
    expect([format, other.status]).toEqual([format, 201]);
  }
});

test("steering is what going on from the changed reconstruction gives", async () => {
  const { about, rowStart, latent, value } = await latentsOf(patches, "d2");
  expect(about.l0).toBeCloseTo(rowStart[nPatches]! / nPatches, 6);
  const untouched = await json<Steered>(steer(patches, "d2", { changes: [], rows: null, keepError: true }));
  expect(untouched.moved).toEqual(new Array(nPatches).fill(0));
  expect(Math.max(...untouched.output.map(Math.abs))).toBeLessThan(1e-6);
  expect(untouched.embedding).toBeCloseTo(1, 6);
  expect(untouched.before).toEqual(untouched.after);

  const j = latent[rowStart[5]!]!; // fires in patch 5
  const changes = [{ latent: j, kind: "set", value: 3 }];
  const found = await json<Steered>(steer(patches, "d2", { changes, rows: [5], keepError: true }));
  expect(found.moved.map((v) => v > 0)).toEqual(Array.from({ length: nPatches }, (_, r) => r === 5));

  // The same by hand.
  using vit = await ViT.load("clip", path.join(folder, "model"));
  using loader = await ActivationLoader.open(data, { order: "ordered", nWorkers: 0 });
  const sae = await SparseAutoencoder.load(path.join(folder, "sae.pt"));
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
  const bare = await json<Steered>(steer(patches, "d2", { changes: [], rows: null, keepError: false }));
  expect(bare.embedding).toBeCloseTo(1, 6);
  // Multiplying by 0 is leaving it out, in every patch.
  const off = await json<Steered>(
    steer(patches, "d2", { changes: [{ latent: j, kind: "scale", value: 0 }], rows: null, keepError: true }),
  );
  const fires = Array.from({ length: nPatches }, (_, r) =>
    latent.subarray(rowStart[r]!, rowStart[r + 1]!).includes(j),
  );
  expect(off.moved.map((v) => v > 0)).toEqual(fires);
});

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, v, i) => sum + v * b[i]!, 0);

test("an SAE of CLS tokens is steered there", async () => {
  const { latent } = await latentsOf(cls, "d1");
  const found = await json<Steered>(
    steer(cls, "d1", {
      changes: [{ latent: latent[0]!, kind: "scale", value: 5 }],
      rows: null,
      keepError: true,
    }),
  );
  expect([found.moved.length, found.output.length]).toEqual([1, 1]);
  expect(found.moved[0]).toBeGreaterThan(0);
  expect(found.embedding).toBeLessThan(1);
});

/** A file cut short, with bytes flipped, and with bytes twice. */
function mutations(seed: Uint8Array): Uint8Array[] {
  const random = randomNumbers(seed.length + 1);
  const place = () => Math.floor((0.5 + random() / 2) * seed.length);
  const flipped = seed.slice();
  for (let i = 0; i < 4; i++) flipped[place()]! ^= 1 << (i + 2);
  const at = place();
  return [seed.slice(0, at), flipped, Buffer.concat([seed.subarray(0, at), seed.subarray(at >> 1)])];
}

test("every malformed picture of the corpora is refused in words, and the next good one is taken", async () => {
  const corpora = path.resolve(import.meta.dirname, "../../../../../test/fixtures/fuzz");
  const files = ["images", "bmp", "pnm"].flatMap((name) =>
    readdirSync(path.join(corpora, name)).map((file) => path.join(corpora, name, file)),
  );
  expect(files.length).toBeGreaterThan(70);
  const statuses: Record<number, number> = {};
  for (const file of files) {
    const seed = readFileSync(file);
    for (const [i, bytes] of [seed, ...mutations(seed)].entries()) {
      const answer = await upload(patches, bytes);
      const body = (await answer.json()) as { error?: string; id?: string };
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
      const what = `${path.basename(file)}, mutation ${i}`;
      expect([what, answer.status === 201 || answer.status === 422]).toEqual([what, true]);
      expect(answer.status === 201 ? body.id : body.error).toMatch(/./);
    }
  }
  expect(statuses[422]).toBeGreaterThan(100);
  expect((await upload(patches, await picture(1).png().toBuffer())).status).toBe(201);
});

test("what is too large is refused before it is decoded", async () => {
  // A header of 60,000 × 60,000 pixels with nothing behind it.
  const header = Buffer.from("89504e470d0a1a0a0000000d494844520000ea600000ea600802000000", "hex");
  const wide = await upload(patches, Buffer.concat([header, Buffer.alloc(64)]));
  expect([wide.status, ((await wide.json()) as { error: string }).error]).toEqual([
    422,
    expect.stringMatching(/60000 × 60000 pixels are more than the limit of 50000000/),
  ]);
  // The connection may be closed before the answer is seen.
  const long = await upload(patches, new Uint8Array(largestUpload + 1)).catch(() => undefined);
  expect([413, undefined]).toContain(long?.status);
  // Without a connection that may be closed.
  const at = `/views/${patches}/live/pictures/d0/steer`;
  const wordy = await explorerApi(collection).request(at, { method: "POST", body: "x".repeat(300_000) });
  expect([wordy.status, await wordy.json()]).toEqual([413, { error: "the body is larger than 256 KB" }]);
  expect((await upload(patches, new Uint8Array())).status).toBe(422);
});

test("requests that make no sense are refused in words", async () => {
  const good = { changes: [], rows: null, keepError: true };
  for (const [body, words] of [
    [undefined, "changes: expected a list"],
    [{ ...good, changes: new Array(300).fill({}) }, "at most 256"],
    [
      { ...good, changes: [{ latent: dSae, kind: "set", value: 1 }] },
      `changes[0].latent: expected 0 to ${dSae - 1}`,
    ],
    [{ ...good, changes: [{ latent: 0, kind: "halve", value: 1 }] }, "expected scale or set"],
    [{ ...good, changes: [{ latent: 0, kind: "set", value: "1" }] }, "changes[0].value"],
    [{ ...good, changes: [{ latent: 0, kind: "set", value: 1e300 }] }, "changes[0].value"],
    [{ ...good, rows: [nPatches] }, "rows: expected null or a list of rows from 0 to 15"],
    [{ ...good, rows: "all" }, "rows: expected"],
    [{ changes: [], rows: null }, "keepError"],
  ] as const) {
    const answer = await steer(patches, "d0", body);
    expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([
      400,
      expect.stringContaining(words),
    ]);
  }
  for (const id of ["d99", "uffff", "x", "d-1", "..%2f..%2fetc%2fpasswd"]) {
    expect([id, (await ask(`${patches}/live/pictures/${id}/picture.json`)).status]).toEqual([id, 404]);
  }
  expect((await ask("v9/live/model.json")).status).toBe(404);
});

test("pictures are taken from the page itself only", async () => {
  const body = (await picture(0).png().toBuffer()) as Uint8Array<ArrayBuffer>;
  for (const headers of [
    { origin: "http://attacker.example" },
    { origin: "null" },
    { cookie: "" },
    { "sec-fetch-site": "cross-site" },
  ] as Record<string, string>[]) {
    const answer = await ask(`${patches}/live/pictures`, { method: "POST", body, headers });
    expect([headers, answer.status]).toEqual([headers, 403]);
  }
});

/** A request on a connection of its own, for its status: `fetch` keeps connections that the server may just be closing. */
function statusOf(address: string, body?: Uint8Array | string): Promise<number> {
  const headers = {
    cookie: `saev-${server.port}=${token}`,
    origin: `http://127.0.0.1:${server.port}`,
    ...(body !== undefined && { "content-length": String(Buffer.byteLength(body)) }),
  };
  const method = body === undefined ? "GET" : "POST";
  const path = `/api/views/${address}`;
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: server.port, path, method, headers, agent: false } as const;
    request(options, (answer) => {
      answer.resume().on("end", () => resolve(answer.statusCode!));
    })
      .on("error", reject)
      .end(body);
  });
}

test("a thousand requests at once wait for their turn", async () => {
  const uploads = await Promise.all([4, 5, 6, 7].map((i) => picture(i).png().toBuffer()));
  const change = JSON.stringify({
    changes: [{ latent: 1, kind: "set", value: 1 }],
    rows: null,
    keepError: true,
  });
  const statuses = await Promise.all(
    Array.from({ length: 1000 }, (_, i) => {
      const of = `live/pictures/d${i % nImages}`;
      if (i % 4 === 0) return statusOf(`${patches}/live/pictures`, uploads[(i / 4) % 4]!);
      if (i % 4 === 1) return statusOf(`${patches}/${of}/steer`, change);
      return statusOf(`${i % 4 === 2 ? patches : cls}/${of}/latents.bin`);
    }),
  );
  expect(statuses.filter((status) => status !== 200 && status !== 201)).toEqual([]);
});
