import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { type Metadata, metadataHash, metadataText } from "@saev/config";
import { afterAll, expect, it } from "vitest";
import { ShardFolder, ShardWriter, Tensor } from "../index.js";

const folder = mkdtempSync(path.join(os.tmpdir(), "saev-shards-"));
afterAll(() => rmSync(folder, { recursive: true }));
let counter = 0;
const fresh = () => path.join(folder, String(counter++));

const metadata = (over: Partial<Metadata> = {}): Metadata => ({
  vit_family: "clip",
  vit_ckpt: "test",
  layers: [-2, -1],
  n_patches_per_img: 4,
  cls_token: true,
  d_vit: 8,
  seed: 42,
  n_imgs: 23,
  n_patches_per_shard: 71, // 7 images
  data: "ImageFolderDataset(root='x')",
  ...over,
});
/** Activations that tell image, layer, token and dimension. */
const acts = (m: Metadata, from: number, n: number) => {
  const per = m.layers.length * (m.n_patches_per_img + (m.cls_token ? 1 : 0)) * m.d_vit;
  const data = Float32Array.from({ length: n * per }, (_, i) => 1 + from * per + i);
  return Tensor.from(data, [n, m.layers.length, per / m.layers.length / m.d_vit, m.d_vit]);
};
async function record(dumpTo: string, m: Metadata, batch = 5, until = m.n_imgs) {
  using writer = await ShardWriter.open(dumpTo, m);
  for (let i = writer.nextImage; i < until; i = writer.nextImage) {
    using batchActs = acts(m, i, Math.min(batch, m.n_imgs - i));
    await writer.write(batchActs);
  }
  if (until === m.n_imgs) await writer.finish();
  else await writer.checkpoint();
  return writer.dir;
}
const contents = (dir: string) =>
  Object.fromEntries(
    readdirSync(dir)
      .sort()
      .map((f) => [f, readFileSync(path.join(dir, f)).toString("hex")]),
  );

it("writes the Python package's layout", async () => {
  const m = metadata();
  const dir = await record(fresh(), m);
  expect(path.basename(dir)).toBe(metadataHash(m));
  expect(readFileSync(path.join(dir, "metadata.json"), "utf8")).toBe(metadataText(m));
  expect(readdirSync(dir)).toEqual([
    "SHA256SUMS",
    ...[0, 1, 2, 3].map((i) => `acts00000${i}.bin`),
    "metadata.json",
    "saev.json",
  ]);
  const shards = await ShardFolder.open(dir);
  await shards.checkFiles();
  expect(shards).toMatchObject({
    complete: true,
    unmarked: false,
    imagesDone: 23,
    holes: [],
    hash: metadataHash(m),
  });
  for (const image of [0, 6, 7, 22]) {
    const whole = acts(m, image, 1).toFloat32Array();
    expect(await shards.readImage(image)).toEqual(whole);
    expect(await shards.readValues(image, 3, 4)).toEqual(whole.slice(3, 7));
    await expect(shards.readValues(image, whole.length - 1, 2)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  }
  const last = readFileSync(path.join(dir, "acts000003.bin"));
  expect(last.length).toBe(7 * 2 * 5 * 8 * 4);
  expect(last.subarray(2 * 2 * 5 * 8 * 4).every((b) => b === 0)).toBe(true);
  expect(shards.layerPlace(-1)).toBe(1);
  expect(() => shards.layerPlace(3)).toThrow(/which holds -2, -1/);
  expect(() => shards.locate(23)).toThrow(/expected 0 to 22/);
});

it("images that fill the last shard need no further file, and one of zeros does no harm", async () => {
  const m = metadata({ n_imgs: 14, cls_token: false, n_patches_per_img: 5 });
  const dir = await record(fresh(), m, 4);
  expect(readdirSync(dir).filter((f) => f.endsWith(".bin"))).toEqual(["acts000000.bin", "acts000001.bin"]);
  writeFileSync(path.join(dir, "acts000002.bin"), Buffer.alloc(7 * 2 * 5 * 8 * 4));
  writeFileSync(path.join(dir, "labels.bin"), "someone else's");
  const shards = await ShardFolder.open(dir);
  await shards.checkFiles();
  expect(shards.nShards).toBe(2);
});

it("a rerun of a finished folder does nothing, one of Python's is recognised and marked", async () => {
  const m = metadata();
  const dumpTo = fresh();
  const dir = await record(dumpTo, m);
  const before = contents(dir);
  {
    using writer = await ShardWriter.open(dumpTo, m);
    expect(writer).toMatchObject({ complete: true, nextImage: 23 });
    await writer.finish();
    await expect(writer.write(acts(m, 0, 1))).rejects.toThrow(/is complete/);
  }
  expect(contents(dir)).toEqual(before);
  unlinkSync(path.join(dir, "saev.json"));
  expect((await ShardFolder.open(dir)).unmarked).toBe(true);
  await record(dumpTo, m);
  expect(contents(dir)).toEqual(before);
  // Python's unfinished run: every file has its size, and the end is zeros.
  unlinkSync(path.join(dir, "saev.json"));
  writeFileSync(path.join(dir, "acts000003.bin"), Buffer.alloc(7 * 2 * 5 * 8 * 4));
  {
    using writer = await ShardWriter.open(dumpTo, m);
    expect(writer).toMatchObject({ complete: false, nextImage: 0 });
  }
  await record(dumpTo, m);
  expect(contents(dir)).toEqual(before);
});

it("holes are zeros and listed; files that are no images are left over", async () => {
  const m = metadata();
  const dumpTo = fresh();
  {
    using writer = await ShardWriter.open(dumpTo, m);
    await writer.write(acts(m, 0, 6), { holes: [0, 2] });
    await writer.write(acts(m, 6, 6), { holes: [1, 5] });
    await expect(writer.write(acts(m, 12, 2), { holes: [2] })).rejects.toThrow(
      /ascending places within the batch/,
    );
    await writer.write(acts(m, 12, 2));
    await writer.finish();
  }
  const shards = await ShardFolder.open(path.join(dumpTo, metadataHash(m)));
  expect(shards).toMatchObject({ complete: true, imagesDone: 14, holes: [0, 2, 7, 11] });
  for (let i = 0; i < 14; i++) {
    const zero = (await shards.readImage(i)).every((v) => v === 0);
    expect(zero, `image ${i}`).toBe(shards.holes.includes(i));
  }
});

it("goes on where an earlier run was cut, at every batch, with holes kept", async () => {
  const m = metadata();
  const whole = contents(await record(fresh(), m));
  const dumpTo = fresh();
  const dir = path.join(dumpTo, metadataHash(m));
  for (let until = 5; until < 23; until += 5) {
    await record(dumpTo, m, 5, until);
    const shards = await ShardFolder.open(dir);
    expect(() => shards.requireComplete()).toThrow(`only ${until} of 23 images are recorded`);
  }
  await record(dumpTo, m);
  expect(contents(dir)).toEqual(whole);
});

it("goes back to a shard that vanished or shrank", async () => {
  const m = metadata();
  const dumpTo = fresh();
  const dir = await record(dumpTo, m);
  const whole = contents(dir);
  for (const damage of [
    () => unlinkSync(path.join(dir, "acts000001.bin")),
    () => truncateSync(path.join(dir, "acts000002.bin"), 100),
  ]) {
    damage();
    await expect((await ShardFolder.open(dir)).checkFiles()).rejects.toThrow(/acts00000[12]\.bin/);
    await record(dumpTo, m, 7);
    expect(contents(dir)).toEqual(whole);
  }
});

it("every state that a power cut can leave leads to the same files", async () => {
  const m = metadata();
  const whole = contents(await record(fresh(), m));
  const dumpTo = fresh();
  const dir = await record(dumpTo, m, 5, 15); // saev.json: 15; shards 0 and 1 sealed, one image of shard 2
  const at = (name: string) => path.join(dir, name);
  const early = contents(dir);
  const restore = () => {
    rmSync(dir, { recursive: true });
    mkdirSync(dir);
    for (const [name, hex] of Object.entries(early)) writeFileSync(at(name), Buffer.from(hex, "hex"));
  };
  const states: [string, () => void][] = [
    [
      "full part not yet renamed",
      () => writeFileSync(at("acts000001.bin.part"), readFileSync(at("acts000001.bin"))),
    ],
    [
      "the same, final name missing",
      () => {
        writeFileSync(at("acts000001.bin.part"), readFileSync(at("acts000001.bin")));
        unlinkSync(at("acts000001.bin"));
      },
    ],
    [
      "torn data beyond the last whole batch",
      () =>
        writeFileSync(
          at("acts000002.bin.part"),
          Buffer.concat([readFileSync(at("acts000002.bin.part")), Buffer.alloc(1000, 7)]),
        ),
    ],
    ["a part shorter than promised", () => truncateSync(at("acts000002.bin.part"), 10)],
    ["the part missing", () => unlinkSync(at("acts000002.bin.part"))],
    ["temporary files of a dead process", () => writeFileSync(at("saev.json.tmp-1-0"), "{")],
    ["no saev.json at all", () => unlinkSync(at("saev.json"))],
  ];
  for (const [name, damage] of states) {
    restore();
    damage();
    await record(dumpTo, m, 5);
    expect(contents(dir), name).toEqual(whole);
  }
});

it("damaged files of ours and wrong input give one clear line", async () => {
  const m = metadata();
  const dumpTo = fresh();
  const dir = await record(dumpTo, m, 5, 5);
  writeFileSync(path.join(dir, "saev.json"), '{"format":1,"status":"recording"');
  await expect(ShardWriter.open(dumpTo, m)).rejects.toMatchObject({
    code: "BAD_FILE",
    message: /saev\.json: not valid JSON/,
  });
  writeFileSync(path.join(dir, "saev.json"), '{"format":1,"status":"recording","images_done":3,"holes":[9]}');
  await expect(ShardWriter.open(dumpTo, m)).rejects.toThrow(/holes are not ascending/);
  await expect(ShardFolder.open(dir)).rejects.toThrow(/holes to be ascending/);
  writeFileSync(path.join(dir, "metadata.json"), "{}");
  await expect(ShardWriter.open(dumpTo, m)).rejects.toThrow(/is not the metadata of this recording/);
  await expect(ShardFolder.open(dir)).rejects.toMatchObject({
    code: "BAD_FILE",
    message: /vit_family: expected a string/,
  });
  writeFileSync(path.join(dir, "metadata.json"), "nope");
  await expect(ShardFolder.open(dir)).rejects.toMatchObject({ code: "BAD_FILE", message: /expected JSON/ });
  await expect(ShardFolder.open(path.join(folder, "absent"))).rejects.toMatchObject({ code: "NOT_FOUND" });
  await expect(ShardWriter.open(fresh(), metadata({ n_patches_per_shard: 9 }))).rejects.toThrow(
    /at least 10 \(2 layers x 5 tokens/,
  );
  using writer = await ShardWriter.open(fresh(), m);
  await expect(writer.write(Tensor.from(new Float32Array(4), [1, 1, 2, 2]))).rejects.toMatchObject({
    code: "SHAPE_MISMATCH",
  });
  await expect(ShardWriter.open(path.dirname(writer.dir), m)).rejects.toThrow(/another process is recording/);
  await writer.write(acts(m, 0, 20));
  await expect(writer.write(acts(m, 20, 5))).rejects.toThrow(/exceeds the dataset's 23/);
  writer.dispose();
  await expect(writer.write(acts(m, 20, 1))).rejects.toMatchObject({ code: "DISPOSED" });
});

it("an unwritable folder", async () => {
  const dumpTo = fresh();
  writeFileSync(dumpTo, "a file");
  await expect(ShardWriter.open(dumpTo, metadata())).rejects.toMatchObject({
    code: "IO",
    message: /cannot create folder/,
  });
  if (process.getuid?.() === 0) return; // root may write anywhere
  const readOnly = fresh();
  mkdirSync(readOnly);
  chmodSync(readOnly, 0o500);
  await expect(ShardWriter.open(readOnly, metadata())).rejects.toMatchObject({ code: "IO" });
});
