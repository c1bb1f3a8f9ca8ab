import { cpSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type Activations, type Dataset, parseActivations } from "@saev/config";
import { afterAll, beforeAll, expect, it } from "vitest";
import { convertShards, recordActivations, ShardFolder, verifyShards } from "../index.js";
import { type Protocol21Metadata, protocol21Hash } from "../shards/protocol21.js";
import { tinyClip, tinyWeights, writeTinyClip } from "../vit/testing/tiny-clip.js";
import { recompute } from "./recompute.js";
import { scratchFolder, writeDataset } from "./testing/dataset.js";

process.env.OMP_NUM_THREADS = "1";

let root: string;
let counter = 0;
const record = async (over: Partial<Record<keyof Activations, unknown>> = {}): Promise<string> => {
  const cfg = parseActivations({
    data: { root: path.join(root, "images") },
    dump_to: path.join(root, `dump-${counter++}`),
    vit_ckpt: path.join(root, "model"),
    vit_batch_size: 4,
    vit_layers: [-1, 0],
    n_patches_per_shard: 2 * 5 * 3,
    device: "cpu",
    ...over,
  });
  return (await recordActivations(cfg, { onBadImage: "skip", warn: () => {} })).dir;
};
beforeAll(async () => {
  root = scratchFolder("saev-recompute-");
  await writeTinyClip(path.join(root, "model"));
  await writeDataset(path.join(root, "images"), 8);
});
afterAll(() => rmSync(root, { recursive: true }));

it("finds the same activations again, in either layout and every dtype", async () => {
  for (const over of [{}, { dtype: "float16" }, { dtype: "bfloat16" }, { protocol: "2.1" }]) {
    const folder = await ShardFolder.open(await record(over));
    const found = await recompute(folder, { images: 100 });
    if (!found.done) throw new Error(found.why);
    expect(found.images).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    const rounding = { float16: 2 ** -11, bfloat16: 2 ** -8 }[(over as { dtype: "float16" }).dtype] ?? 0;
    expect(found.worst.error).toBeLessThan(rounding + 1e-5);
  }
  const dir = await record();
  const { ok, findings } = await verifyShards(dir, { recompute: 3 });
  expect([ok, findings.map(({ code }) => code)]).toEqual([true, ["recomputed"]]);
  expect(findings[0]!.message).toMatch(
    /^images \d, \d, \d were recomputed; the largest difference is .* of a token's size/,
  );
  const there = await convertShards(dir, "protocol-2.1", path.join(root, "there"));
  expect((await verifyShards(there.dir, { recompute: 3 })).ok).toBe(true);
});

it("of a folder as the Python package writes it, with what its pickle says or what is named", async () => {
  const there = await convertShards(await record(), "protocol-2.1", path.join(root, "python"));
  // What the Python package knows not: its folder has its files alone.
  for (const ours of ["saev.json", "SHA256SUMS", "preprocessing.json", "converted-from.json"])
    rmSync(path.join(there.dir, ours), { force: true });
  const file = path.join(there.dir, "metadata.json");
  const text = readFileSync(file, "utf8");
  const pickled = async (bytes: string, dataset: string, ckpt = path.join(root, "model")) => {
    const data = Buffer.from(bytes, "latin1").toString("base64");
    const metadata = { ...(JSON.parse(text) as object), data, dataset, ckpt };
    const dir = path.join(root, protocol21Hash(metadata as Protocol21Metadata).slice(0, 8));
    renameSync(path.dirname(file), dir);
    writeFileSync(path.join(dir, "metadata.json"), JSON.stringify(metadata, null, 2));
    return dir;
  };
  const verdict = async (dir: string, options: object = {}) => {
    const { ok, findings } = await verifyShards(dir, { recompute: 8, ...options });
    const found = findings.filter(({ code }) => code !== "no-checksum");
    renameSync(dir, path.dirname(file));
    return { ok, codes: found.map(({ code }) => code), message: found[0]?.message };
  };
  const good = { ok: true, codes: ["recomputed"] };
  const images = path.join(root, "images");
  // ImgFolder(root=PosixPath(images)), as Python 3.13 writes it; FakeImg(n_examples=8).
  const imgFolder = (at: string) =>
    `\x80\x04\x8c\x12saev.data.datasets\x8c\x09ImgFolder\x93)\x81}\x8c\x04root\x8c\x07pathlib\x8c\x09PosixPath\x93\x8c${String.fromCharCode(at.length)}${at}\x85Rsb.`;
  const fake = "csaev.data.datasets\nFakeImg\n)\x81}X\x0a\0\0\0n_examplesK\x08sb.";
  expect(await verdict(await pickled(imgFolder(images), images))).toMatchObject(good);

  const moved = await verdict(await pickled(imgFolder("/gone"), "/gone"));
  expect(moved).toMatchObject({ ok: false, codes: ["not-recomputed"] });
  expect(moved.message).toContain("name them: data:image-folder-dataset --data.root FOLDER");
  const data: Dataset = { kind: "image-folder-dataset", root: images };
  expect(await verdict(await pickled(imgFolder("/gone"), "/gone"), { data })).toMatchObject(good);

  const unknown = await verdict(await pickled(fake, "fake"));
  expect(unknown.message).toMatch(
    /FakeImg\("fake"\) of the Python package.*name them: data:image-folder-dataset/,
  );
  expect(await verdict(await pickled(fake, "fake"), { data })).toMatchObject(good);

  const lost = await pickled(fake, "fake", "/gone/model");
  expect((await verdict(lost, { data })).message).toMatch(/if it lies elsewhere, name it: --vit-ckpt MODEL/);
  const vitCkpt = path.join(root, "model");
  expect(await verdict(await pickled(fake, "fake", "/gone/model"), { data, vitCkpt })).toMatchObject(good);
});

it("leaves out holes, and takes one image of each stretch", async () => {
  const images = path.join(root, "bad");
  cpSync(path.join(root, "images"), images, { recursive: true });
  for (const bad of ["a/000.png", "c/007.jpg"]) writeFileSync(path.join(images, bad), "no picture");
  const folder = await ShardFolder.open(await record({ data: { root: images } }));
  expect(folder.holes).toEqual([0, 7]);
  const chosen = async (n: number, random: number) => {
    const found = await recompute(folder, { images: n, random: () => random });
    return found.done ? found.images : found.why;
  };
  expect(await chosen(2, 0)).toEqual([1, 4]);
  expect(await chosen(2, 0.99)).toEqual([3, 4]);
  expect(await chosen(8, 0.5)).toEqual([1, 2, 3, 4, 5, 6]);
});

it("notices another model, another picture and changed bytes", async () => {
  const model = path.join(root, "changing");
  cpSync(path.join(root, "model"), model, { recursive: true });
  const dir = await record({ vit_ckpt: model });
  const difference = async () => {
    const { ok, findings } = await verifyShards(dir, { recompute: 8 });
    expect(ok).toBe(false);
    return findings.find(({ code }) => code === "recomputed")!.message;
  };
  await writeTinyClip(model, tinyClip, tinyWeights(tinyClip, 2));
  expect(await difference()).toMatch(
    /differs by .* of its size, expected at most 0\.010; the model, the pictures/,
  );
  await writeTinyClip(model);

  const [one, other] = ["a/000.png", "a/002.png"].map((name) => path.join(root, "images", name)) as [
    string,
    string,
  ];
  const [first, second] = [readFileSync(one), readFileSync(other)];
  writeFileSync(one, second);
  expect(await difference()).toMatch(/in image 0 differs/);
  writeFileSync(one, first);

  const shard = path.join(dir, "acts000001.bin");
  const bytes = readFileSync(shard);
  const at = (1 * 10 + 7) * tinyClip.vision.width * 4; // image 4, layer 0, token 2
  bytes.writeFloatLE(bytes.readFloatLE(at) + 3, at);
  writeFileSync(shard, bytes);
  expect(await difference()).toMatch(/token 2 of layer 0 in image 4 differs/);
});

it("says why it cannot, and that is no pass", async () => {
  const model = path.join(root, "leaving");
  cpSync(path.join(root, "model"), model, { recursive: true });
  const images = path.join(root, "leaving-images");
  cpSync(path.join(root, "images"), images, { recursive: true });
  const dir = await record({ vit_ckpt: model, data: { root: images } });
  const why = async () => {
    const { ok, findings } = await verifyShards(dir, { recompute: 2 });
    expect([ok, findings.map(({ code }) => code)]).toEqual([false, ["not-recomputed"]]);
    return findings[0]!.message;
  };
  renameSync(model, `${model}-gone`);
  expect(await why()).toMatch(/^nothing was recomputed: .*leaving.*; model and pictures must be here/);
  renameSync(`${model}-gone`, model);
  rmSync(path.join(images, "a/000.png"));
  expect(await why()).toMatch(/has 7 pictures now, and 8 were recorded/);
  cpSync(path.join(root, "images/a/000.png"), path.join(images, "a/000.png"));
  await writeTinyClip(model, { vision: { ...tinyClip.vision, patch_size: 4 } });
  expect(await why()).toMatch(/has d_vit 12, 16 patches and a CLS token; recorded were d_vit 12, 4 patches/);
  rmSync(images, { recursive: true });
  expect(await why()).toMatch(/there is no such folder/);
  expect(existsSync(path.join(dir, "saev.json"))).toBe(true);
});
