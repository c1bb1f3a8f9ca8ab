import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { type Activations, parseActivations } from "@saev/config";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ImageFolder, type RecordOptions, recordActivations, resolveActivations, ViT } from "../index.js";
import { tinyClip, writeTinyClip } from "../vit/testing/tiny-clip.js";
import { digests, scratchFolder, writeDataset } from "./testing/dataset.js";

// Tiny models gain nothing from threads, and lose much where other processes take the cores.
process.env.OMP_NUM_THREADS = "1";

const n = 23;
const tokens = 5;
const dVit = tinyClip.vision.width;

let root: string;
let counter = 0;
const fresh = () => path.join(root, `dump-${counter++}`);
beforeAll(async () => {
  root = scratchFolder("saev-record-");
  await writeTinyClip(path.join(root, "model"));
  await writeDataset(path.join(root, "images"), n);
});
afterAll(() => rmSync(root, { recursive: true }));

const config = (over: Partial<Record<keyof Activations, unknown>> = {}): Activations =>
  parseActivations({
    data: { root: path.join(root, "images") },
    dump_to: fresh(),
    vit_ckpt: path.join(root, "model"),
    vit_batch_size: 4,
    n_workers: 2,
    d_vit: dVit,
    vit_layers: [-1, 0],
    n_patches_per_img: 4,
    n_patches_per_shard: 2 * tokens * 9, // 9 images
    device: "cpu",
    ...over,
  });

/** Activations of image `i`: [layers, tokens, d_vit]. */
function activationsOf(dir: string, i: number): Float32Array {
  const per = 2 * tokens * dVit;
  const bytes = readFileSync(path.join(dir, `acts${String(Math.floor(i / 9)).padStart(6, "0")}.bin`));
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset + (i % 9) * per * 4)).slice(0, per);
}

const messageOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "nothing",
    (error: Error) => error.message,
  );

it("stores every picture's layers in the order asked for, and leaves a finished folder alone", async () => {
  const cfg = config();
  const seen: number[] = [];
  const recording = await recordActivations(cfg, { onProgress: ({ done }) => seen.push(done) });
  expect(recording).toMatchObject({ nImgs: n, skipped: [], resumedAt: 0 });
  expect(seen).toEqual([4, 8, 12, 16, 20, 23]);
  expect(readdirSync(recording.dir).sort()).toEqual([
    "SHA256SUMS",
    "acts000000.bin",
    "acts000001.bin",
    "acts000002.bin",
    "metadata.json",
    "preprocessing.json",
    "saev.json",
  ]);

  using vit = await ViT.load("clip", cfg.vit_ckpt);
  const { images } = await ImageFolder.open(path.join(root, "images"));
  for (const i of [0, 8, 9, 22]) {
    using input = await vit.preprocess([images[i]!.path]);
    for (const [slot, layer] of [2, 0].entries()) {
      using expected = await vit.record(input, [layer]);
      const found = activationsOf(recording.dir, i).subarray(
        slot * tokens * dVit,
        (slot + 1) * tokens * dVit,
      );
      const worst = Math.max(...expected.toFloat32Array().map((value, k) => Math.abs(value - found[k]!)));
      expect(worst, `image ${i}, layer ${layer}`).toBeLessThan(2e-5);
    }
  }

  const before = digests(recording.dir);
  const time = statSync(path.join(recording.dir, "saev.json")).mtimeMs;
  const again = await recordActivations(cfg, { ckptDir: path.join(root, "a model that is gone") });
  expect(again).toEqual({ ...recording, resumedAt: n });
  expect(digests(recording.dir)).toEqual(before);
  expect(statSync(path.join(recording.dir, "saev.json")).mtimeMs).toBe(time);
});

it("gives the same bytes for any number of workers", async () => {
  const dirs = [];
  for (const n_workers of [0, 1, 5]) dirs.push((await recordActivations(config({ n_workers }))).dir);
  expect(digests(dirs[1]!)).toEqual(digests(dirs[0]!));
  expect(digests(dirs[2]!)).toEqual(digests(dirs[0]!));
});

it("keeps the name of a checkpoint that is loaded from elsewhere", async () => {
  const cfg = config({ vit_ckpt: "hf-hub:someone/größe" });
  const { dir } = await recordActivations(cfg, { ckptDir: path.join(root, "model") });
  const text = readFileSync(path.join(dir, "metadata.json"), "utf8");
  expect(text).toContain('"vit_ckpt": "hf-hub:someone/gr\\u00f6\\u00dfe"');
});

it("names every field that is not the model's before it reads a picture", async () => {
  const garbage = path.join(root, "garbage");
  cpSync(path.join(root, "images"), garbage, { recursive: true });
  for (const { path: file } of (await ImageFolder.open(garbage)).images) writeFileSync(file, "garbage");
  const cfg = config({
    data: { root: garbage },
    d_vit: 1024,
    n_patches_per_img: 256,
    cls_token: false,
    vit_layers: [-4, 2],
    n_patches_per_shard: 10000,
  });
  const message = await messageOf(recordActivations(cfg));
  expect(message).toContain(
    "d_vit is 12, not 1024; n_patches_per_img is 4, not 256; cls_token is true, not false",
  );
  expect(message).toContain("vit_layers: this model has 3 (0 to 2, or -3 to -1), found -4");
  expect(existsSync(cfg.dump_to)).toBe(false);
});

it("takes sizes that are left out, or auto, from the model", async () => {
  const whole = await recordActivations(config());
  const open = config({ d_vit: "auto", n_patches_per_img: "auto", cls_token: "auto" });
  expect(await resolveActivations(open)).toEqual({
    ...open,
    ...{ d_vit: dVit, n_patches_per_img: 4, cls_token: true },
  });
  const { dir } = await recordActivations(open);
  expect(digests(dir)).toEqual(digests(whole.dir));
  expect(path.basename(dir)).toBe(path.basename(whole.dir));
  // What was given is still checked.
  expect(await messageOf(recordActivations(config({ d_vit: 1024, n_patches_per_img: "auto" })))).toMatch(
    /d_vit is 12, not 1024; sizes that are left out, or auto, are the model's$/,
  );
});

it("checks sizes against the config before it touches the weights", async () => {
  const model = path.join(root, "broken-weights");
  cpSync(path.join(root, "model"), model, { recursive: true });
  truncateSync(path.join(model, "open_clip_model.safetensors"), 100);
  const over = { vit_ckpt: model };
  expect(await messageOf(recordActivations(config({ ...over, d_vit: 1024 })))).toContain(
    "d_vit is 12, not 1024",
  );
  expect(await messageOf(recordActivations(config({ ...over, d_vit: "auto" })))).toContain(
    "open_clip_model.safetensors",
  );
});

it("stops at a bad picture, names it, and goes on when it is mended", async () => {
  const images = path.join(root, "one-bad");
  cpSync(path.join(root, "images"), images, { recursive: true });
  const file = path.join(images, "b/013.jpg");
  truncateSync(file, 300);
  const cfg = config({ data: { root: images } });
  const message = await messageOf(recordActivations(cfg));
  expect(message).toContain(file);
  expect(message).not.toContain("\n");

  cpSync(path.join(root, "images/b/013.jpg"), file);
  const { dir, resumedAt } = await recordActivations(cfg);
  expect(resumedAt).toBe(12); // picture 13 is in the batch of 12 to 15
  const whole = await recordActivations({ ...cfg, dump_to: fresh() });
  expect(digests(dir)).toEqual(digests(whole.dir));
});

it("leaves holes for bad pictures when told to, and lists them", async () => {
  const images = path.join(root, "two-bad");
  cpSync(path.join(root, "images"), images, { recursive: true });
  truncateSync(path.join(images, "b/013.jpg"), 300);
  writeFileSync(path.join(images, "c/022.png"), "no picture");
  const cfg = config({ data: { root: images } });
  const warnings: string[] = [];
  const options: RecordOptions = { onBadImage: "skip", warn: (message) => warnings.push(message) };
  const { dir, skipped } = await recordActivations(cfg, options);
  expect(skipped).toEqual([
    { index: 13, path: path.join(images, "b/013.jpg") },
    { index: 22, path: path.join(images, "c/022.png") },
  ]);
  expect(warnings).toHaveLength(2);
  expect(warnings[0]).toMatch(/^skipped: .*b\/013\.jpg: cannot decode/);
  expect(JSON.parse(readFileSync(path.join(dir, "saev.json"), "utf8"))).toMatchObject({ holes: [13, 22] });
  expect(activationsOf(dir, 13).every((v) => v === 0)).toBe(true);
  expect(activationsOf(dir, 12).some((v) => v !== 0)).toBe(true);
  expect((await recordActivations(cfg)).skipped).toEqual(skipped);
});

it("takes pictures with too many pixels for bad ones", async () => {
  // 20 to 26 × 18 to 22 pixels: those of 26 × 22 and their like are too large.
  expect(await messageOf(recordActivations(config(), { maxPixels: 500 }))).toMatch(
    /pixels are more than the limit of 500/,
  );
  const { skipped } = await recordActivations(config(), {
    maxPixels: 500,
    onBadImage: "skip",
    warn: () => {},
  });
  expect(skipped.map(({ index }) => index)).toEqual(
    Array.from({ length: n }, (_, i) => i).filter((i) => (20 + (i % 7)) * (18 + (i % 5)) > 500),
  );
});

it("does not take a dataset that went away for bad pictures", async () => {
  const images = path.join(root, "vanishing");
  cpSync(path.join(root, "images"), images, { recursive: true });
  const cfg = config({ data: { root: images }, n_workers: 0 });
  const options: RecordOptions = {
    onBadImage: "skip",
    onProgress: ({ done }) => done === 8 && rmSync(images, { recursive: true }),
  };
  expect(await messageOf(recordActivations(cfg, options))).toMatch(/vanishing.*there is no such file/);
  cpSync(path.join(root, "images"), images, { recursive: true });
  const { dir, resumedAt, skipped } = await recordActivations(cfg);
  expect([resumedAt, skipped]).toEqual([8, []]);
  const whole = await recordActivations({ ...cfg, dump_to: fresh() });
  expect(digests(dir)).toEqual(digests(whole.dir));
});

it("stops when told to and ends up the same when it goes on", async () => {
  const cfg = config();
  const stop = new AbortController();
  const reason = new Error("enough");
  const options: RecordOptions = {
    signal: stop.signal,
    onProgress: ({ done }) => done === 12 && stop.abort(reason),
  };
  await expect(recordActivations(cfg, options)).rejects.toBe(reason);
  const { dir, resumedAt } = await recordActivations(cfg);
  expect(resumedAt).toBeGreaterThan(0);
  expect(resumedAt).toBeLessThan(n);
  const whole = await recordActivations({ ...cfg, dump_to: fresh() });
  expect(digests(dir)).toEqual(digests(whole.dir));
  await expect(recordActivations(config(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});

it("says what it cannot do in one line", async () => {
  expect(await messageOf(recordActivations(config({ vit_ckpt: path.join(root, "no-model") })))).toMatch(
    /no-model.*there is no such/,
  );
  expect(await messageOf(recordActivations(config({ data: { root: path.join(root, "gone") } })))).toMatch(
    /gone: there is no such folder/,
  );
  expect(await messageOf(recordActivations(config({ slurm_acct: "lab" })))).toMatch(/slurm_acct/);
  expect(await messageOf(recordActivations(config({ vit_family: "siglip" })))).toMatch(/use vit_family clip/);
  expect(await messageOf(recordActivations(config({ n_patches_per_shard: 9 })))).toMatch(/at least 10/);
  const file = path.join(root, "a-file");
  writeFileSync(file, "");
  expect(await messageOf(recordActivations(config({ dump_to: path.join(file, "shards") })))).toMatch(
    /a-file/,
  );
});
