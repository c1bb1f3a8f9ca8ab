import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { DataLoad, type Metadata, metadataHash } from "@saev/config";
import { afterAll, describe, expect, it } from "vitest";
import { ActivationLoader, convertShards, ShardFolder, ShardWriter, Tensor, verifyShards } from "../index.js";
import { python, runPython } from "../io/python.test-util.js";
import { pickledText } from "./protocol21.js";
import { writeWithPython } from "./testing/protocol21.js";

const root = mkdtempSync(path.join(os.tmpdir(), "saev-convert-"));
afterAll(() => rmSync(root, { recursive: true }));
const fresh = () => mkdtempSync(path.join(root, "d"));

const m: Metadata = {
  vit_family: "clip",
  vit_ckpt: "test é",
  layers: [-2, -1],
  n_patches_per_img: 3,
  cls_token: true,
  d_vit: 8,
  seed: 7,
  n_imgs: 8,
  n_patches_per_shard: 25, // 3 images
  data: "ImageFolderDataset(root='/data/it\\'s')",
};
const perImage = 2 * 4 * 8;
async function record(over: Partial<Metadata> = {}, images = 8, holes: readonly number[] = []) {
  using writer = await ShardWriter.open(fresh(), { ...m, ...over });
  using acts = Tensor.from(
    Float32Array.from({ length: images * perImage }, (_, i) => i + 1),
    [images, 2, 4, 8],
  );
  await writer.write(acts, { holes });
  await writer.finish();
  return writer.dir;
}
const contents = (dir: string) =>
  Object.fromEntries(readdirSync(dir).map((f) => [f, readFileSync(path.join(dir, f)).toString("hex")]));
const inodes = (dir: string) =>
  readdirSync(dir)
    .filter((f) => f.startsWith("acts"))
    .map((f) => statSync(path.join(dir, f)).ino);
/** Every patch of every layer. */
async function rows(shard_root: string) {
  const config = DataLoad.parse({ shard_root, layer: "all", scale_mean: false, scale_norm: false });
  using loader = await ActivationLoader.open(config, { order: "ordered" });
  return [...(await loader.next(1e6))!.acts.toFloat32Array()];
}
const errors = async (dir: string) =>
  (await verifyShards(dir)).findings.filter((f) => f.severity === "error").map((f) => f.message);

describe("document to protocol 2.1 and back", () => {
  it.each<[what: string, over: Partial<Metadata>, images: number, holes: number[]]>([
    ["a last shard that is not full", {}, 8, []],
    ["a last shard that is full", { n_imgs: 6 }, 6, []],
    ["holes", {}, 8, [0, 5]],
    ["fewer images than files", { n_imgs: 11 }, 8, []],
    ["without CLS", { cls_token: false, n_patches_per_img: 4 }, 8, []],
  ])("%s", async (_, over, images, holes) => {
    const dir = await record(over, images, holes);
    const progress: number[] = [];
    const there = await convertShards(dir, "protocol-2.1", fresh(), {
      onProgress: (p) => progress.push(p.done),
    });
    expect(there).toMatchObject({ linked: Math.ceil(images / 3), copied: 0, format: "protocol-2.1" });
    expect(progress.at(-1)).toBe(Math.ceil(images / 3));
    expect(inodes(there.dir)).toEqual(inodes(dir));
    const folder = await ShardFolder.open(there.dir);
    expect(folder).toMatchObject({
      format: "protocol-2.1",
      hasOwnName: true,
      complete: true,
      imagesDone: images,
      holes,
    });
    expect(await rows(there.dir)).toEqual(await rows(dir));
    expect(await errors(there.dir)).toEqual([]);
    expect((await verifyShards(there.dir)).checksums).toBe(Math.ceil(images / 3));
    const back = await convertShards(there.dir, "document", fresh());
    expect(path.basename(back.dir)).toBe(path.basename(dir));
    expect(contents(back.dir)).toEqual(contents(dir));
    expect(inodes(back.dir)).toEqual(inodes(dir));
  });

  it("a pickle of a dataset that is known becomes its repr, any other stays; back comes the pickle", async () => {
    const { dir } = await convertShards(await record(), "protocol-2.1", fresh());
    unlinkSync(path.join(dir, "converted-from.json"));
    const file = path.join(dir, "metadata.json");
    const base64 = (pickle: string) => Buffer.from(pickle, "latin1").toString("base64");
    const imgFolder =
      "csaev.data.datasets\nImgFolder\n)\x81}X\x04\0\0\0rootcpathlib\nPosixPath\nX\x05\0\0\0birds\x85Rsb.";
    const made = base64("csaev.data.datasets\nFakeImg\n)\x81.");
    for (const [pickle, data] of [
      [base64(imgFolder), "ImageFolderDataset(root='birds')"],
      [made, made],
      [pickledText(m.data), m.data],
    ] as const) {
      const before = JSON.parse(readFileSync(file, "utf8")) as object;
      writeFileSync(file, JSON.stringify({ ...before, data: pickle }, null, 2));
      const there = await convertShards(dir, "document", fresh());
      const folder = await ShardFolder.open(there.dir);
      expect(folder).toMatchObject({ hasOwnName: true, metadata: { data } });
      const back = await convertShards(there.dir, "protocol-2.1", fresh());
      expect(readFileSync(path.join(back.dir, "metadata.json"))).toEqual(readFileSync(file));
    }
  });

  it("links are as good as files: either folder may go, a recording anew changes none", async () => {
    const dir = await record();
    const before = await rows(dir);
    const there = await convertShards(dir, "protocol-2.1", fresh());
    unlinkSync(path.join(dir, "saev.json"));
    writeFileSync(path.join(dir, "acts000002.bin.part"), "");
    unlinkSync(path.join(dir, "acts000002.bin"));
    {
      using writer = await ShardWriter.open(path.dirname(dir), m);
      using acts = Tensor.from(new Float32Array(8 * perImage).fill(5), [8, 2, 4, 8]);
      await writer.write(acts);
      await writer.finish();
    }
    expect(await rows(there.dir)).toEqual(before);
    rmSync(dir, { recursive: true });
    expect(await rows(there.dir)).toEqual(before);
    expect(await errors(there.dir)).toEqual([]);
  });
});

describe.skipIf(python === undefined)("with Python", () => {
  it.each<[what: string, n: number, options: { short?: boolean; labels?: boolean }, copied: number]>([
    ["a full-size last shard, labels", 7, { labels: true }, 0],
    ["a short last shard", 7, { short: true }, 1],
    ["a full last shard and an empty one", 6, {}, 0],
  ])("its folder with %s goes to the document's layout and back", async (_, n, options, copied) => {
    const dir = writeWithPython(fresh(), n, options);
    const there = await convertShards(dir, "document", fresh());
    expect(there).toMatchObject({ linked: 3 - copied, copied, format: "document" });
    const folder = await ShardFolder.open(there.dir);
    expect(folder).toMatchObject({ format: "document", hasOwnName: true, imagesDone: n });
    expect(path.basename(there.dir)).toBe(metadataHash(folder.metadata));
    expect(await rows(there.dir)).toEqual(await rows(dir));
    expect(await errors(there.dir)).toEqual([]);
    const back = await convertShards(there.dir, "protocol-2.1", fresh());
    expect(contents(back.dir)).toEqual(contents(dir));
    expect(path.basename(back.dir)).toBe(path.basename(dir));
  });

  it("what we write is what it reads: name, files mapped at full size, counts, labels, a harmless pickle", async () => {
    const dir = await record();
    writeFileSync(
      path.join(dir, "labels.bin"),
      Uint8Array.from({ length: 24 }, (_, i) => i),
    );
    const there = await convertShards(dir, "protocol-2.1", fresh());
    // Values as in writeWithPython; the class with its declared order is what is hashed.
    const report = runPython(
      `
import base64, dataclasses, hashlib, json, pathlib, pickle, sys
import numpy as np
@dataclasses.dataclass(frozen=True, kw_only=True)
class Metadata:
    family: str; ckpt: str; layers: tuple; content_tokens_per_example: int; cls_token: bool; d_model: int; n_examples: int
    max_tokens_per_shard: int; data: str; dataset: str; pixel_agg: object; dtype: str; protocol: str
dir = pathlib.Path(sys.argv[1])
md = Metadata(**json.load(open(dir / "metadata.json", encoding="utf-8")))
name = hashlib.sha256(json.dumps(dataclasses.asdict(md), separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()[:8]
tokens = md.content_tokens_per_example + md.cls_token
per = md.max_tokens_per_shard // (tokens * len(md.layers))
entries = json.load(open(dir / "shards.json"))
acts = [np.memmap(dir / f"acts{i:06}.bin", mode="r", dtype=np.float32, shape=(per, len(md.layers), tokens, md.d_model))[:e["n_examples"]] for i, e in enumerate(entries)]
acts = np.concatenate(acts)
labels = np.memmap(dir / "labels.bin", mode="r", dtype=np.uint8, shape=(md.n_examples, md.content_tokens_per_example))
print(json.dumps(dict(name=name == dir.name, shape=acts.shape, equal=bool((acts.ravel() == np.arange(acts.size) + 1).all()),
  labels=bool((labels.ravel() == np.arange(24)).all()), data=pickle.loads(base64.b64decode(md.data)), dataset=md.dataset, agg=md.pixel_agg)))
`,
      there.dir,
    );
    expect(JSON.parse(report)).toEqual({
      name: true,
      shape: [8, 2, 4, 8],
      equal: true,
      labels: true,
      data: m.data,
      dataset: "/data/it's",
      agg: "majority",
    });
  });
});

it("says why it does not convert, and leaves nothing behind", async () => {
  const dir = await record();
  const out = fresh();
  await expect(convertShards(dir, "document", out)).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: /in the layout "document" already/,
  });
  const damaged = path.join(fresh(), path.basename(dir));
  cpSync(dir, damaged, { recursive: true });
  unlinkSync(path.join(damaged, "acts000001.bin"));
  await expect(convertShards(damaged, "protocol-2.1", out)).rejects.toMatchObject({ code: "NOT_FOUND" });
  writeFileSync(
    path.join(damaged, "saev.json"),
    '{"format":1,"status":"recording","images_done":3,"holes":[]}',
  );
  await expect(convertShards(damaged, "protocol-2.1", out)).rejects.toThrow(/only 3 of 8 images/);
  const reason = new Error("enough");
  const controller = new AbortController();
  const stopped = convertShards(dir, "protocol-2.1", out, {
    signal: controller.signal,
    onProgress: () => controller.abort(reason),
  });
  await expect(stopped).rejects.toBe(reason);
  expect(readdirSync(out)).toEqual([]);
  const there = await convertShards(dir, "protocol-2.1", out);
  await expect(convertShards(dir, "protocol-2.1", out)).rejects.toThrow(
    /is there already; delete it or choose/,
  );
  // What it was before belongs to these shards, or it is not used.
  const origin = path.join(there.dir, "converted-from.json");
  const text = readFileSync(origin, "utf8");
  for (const wrong of [
    "{",
    "{}",
    text.replace("test", "best"),
    text.replace('\\"d_vit\\": 8', '\\"d_vit\\": 9'),
  ]) {
    writeFileSync(origin, wrong);
    await expect(convertShards(there.dir, "document", out)).rejects.toMatchObject({
      code: "BAD_FILE",
      message: /delete this file/,
    });
  }
  expect(readdirSync(out)).toHaveLength(1);
});
