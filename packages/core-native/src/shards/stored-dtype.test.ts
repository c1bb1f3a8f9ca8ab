import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type Metadata, metadataHash, parseActivations } from "@saev/config";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { scratchFolder, writeDataset } from "../activations/testing/dataset.js";
import {
  ActivationLoader,
  convertShards,
  recordActivations,
  ShardFolder,
  ShardWriter,
  Tensor,
  verifyShards,
} from "../index.js";
import { python, runPython } from "../io/python.test-util.js";
import { randomNumbers, type TinyClip, tinyWeights, writeTinyClip } from "../vit/testing/tiny-clip.js";

process.env.OMP_NUM_THREADS = "1";

let root: string;
let counter = 0;
const fresh = () => path.join(root, String(counter++));
beforeAll(() => {
  root = scratchFolder("saev-stored-");
});
afterAll(() => rmSync(root, { recursive: true }));

type Half = "float16" | "bfloat16";
const metadata = (dtype: Half | undefined): Metadata => ({
  vit_family: "clip",
  vit_ckpt: "test",
  layers: [-2, -1],
  n_patches_per_img: 4,
  cls_token: true,
  d_vit: 9,
  seed: 42,
  n_imgs: 8,
  n_patches_per_shard: 31, // 3 images
  data: "ImageFolderDataset(root='x')",
  ...(dtype && { dtype }),
});
const perImage = 2 * 5 * 9;

/** The largest relative error of rounding to nearest, and half of the smallest number. */
const formats = {
  float16: { roundoff: 2 ** -11, smallest: 2 ** -25, infinity: 0x7c00 },
  bfloat16: { roundoff: 2 ** -8, smallest: 2 ** -134, infinity: 0x7f80 },
} as const;

async function write(dtype: Half | undefined, values: Float32Array): Promise<string> {
  using writer = await ShardWriter.open(fresh(), metadata(dtype));
  for (const from of [0, 5]) {
    const n = from === 0 ? 5 : 3;
    using acts = Tensor.from(values.slice(from * perImage, (from + n) * perImage), [n, 2, 5, 9]);
    await writer.write(acts, from === 5 ? { holes: [1] } : {});
  }
  await writer.finish();
  return writer.dir;
}

function values(): Float32Array {
  const random = randomNumbers(5);
  const out = Float32Array.from({ length: 8 * perImage }, () => random() * 10 ** (4 * random()));
  out.fill(0, 6 * perImage, 7 * perImage); // the hole
  return out;
}

describe.each(["float16", "bfloat16"] as const)("shards of %s", (dtype) => {
  const { roundoff, smallest, infinity } = formats[dtype];
  const near = (found: number, exact: number) =>
    expect(Math.abs(found - exact), `${found} for ${exact}`).toBeLessThanOrEqual(
      roundoff * Math.abs(exact) + smallest,
    );

  it("take half the disk and are read as what was rounded, by every reader", async () => {
    const exact = values();
    const dir = await write(dtype, exact);
    const full = await write(undefined, exact);
    expect(statSync(path.join(dir, "acts000000.bin")).size).toBe(3 * perImage * 2);
    expect(path.basename(dir)).not.toBe(path.basename(full));
    expect(path.basename(dir)).toBe(metadataHash(metadata(dtype)));
    expect(JSON.parse(readFileSync(path.join(dir, "metadata.json"), "utf8"))).toMatchObject({ dtype });
    expect(readFileSync(path.join(full, "metadata.json"), "utf8")).not.toContain("dtype");

    const folder = await ShardFolder.open(dir);
    expect(folder.layout).toMatchObject({ dtype, bytesPerImg: perImage * 2 });
    const images: Float32Array[] = [];
    for (let i = 0; i < 8; i++) images.push(await folder.readImage(i));
    for (const [i, image] of images.entries())
      for (const [k, value] of image.entries()) near(value, exact[i * perImage + k]!);

    const load = {
      shard_root: dir,
      layer: -1,
      clamp: 1e9,
      n_random_samples: 20,
      scale_mean: false,
      scale_norm: false,
    } as const;
    for (const order of ["ordered", "shuffled"] as const) {
      using loader = await ActivationLoader.open({ ...load, patches: "patches" }, { order, nWorkers: 0 });
      expect(loader.length).toBe(7 * 4);
      let rows = 0;
      for await (const batch of loader.batches(5)) {
        const acts = batch.acts.toFloat32Array();
        const [image, patch] = [batch.imageI.toTypedArray(), batch.patchI.toTypedArray()];
        for (let row = 0; row < image.length; row++, rows++) {
          const at = (1 * 5 + 1 + Number(patch[row])) * 9;
          expect([...acts.subarray(row * 9, row * 9 + 9)]).toEqual([
            ...images[Number(image[row])]!.subarray(at, at + 9),
          ]);
        }
      }
      expect(rows).toBe(28);
    }
    using means = await ActivationLoader.open(
      { ...load, patches: "meanpool" },
      { order: "ordered", nWorkers: 0 },
    );
    for await (const batch of means.batches(7)) {
      const first = batch.acts.toFloat32Array();
      for (let c = 0; c < 9; c++) {
        const sum = [1, 2, 3, 4].reduce((total, token) => total + images[0]![(5 + token) * 9 + c]!, 0);
        expect(first[c]).toBeCloseTo(sum / 4, 4);
      }
    }
  });

  it("are verified, and converted there and back", async () => {
    const dir = await write(dtype, values());
    expect(await verifyShards(dir)).toMatchObject({ ok: true, files: 3, checksums: 3 });
    const there = await convertShards(dir, "protocol-2.1", fresh());
    expect(JSON.parse(readFileSync(path.join(there.dir, "metadata.json"), "utf8"))).toMatchObject({ dtype });
    expect(await verifyShards(there.dir)).toMatchObject({ ok: true, checksums: 3 });
    expect((await ShardFolder.open(there.dir)).layout.dtype).toBe(dtype);
    const back = await convertShards(there.dir, "document", fresh());
    expect(path.basename(back.dir)).toBe(path.basename(dir));
    expect(readFileSync(path.join(back.dir, "metadata.json"))).toEqual(
      readFileSync(path.join(dir, "metadata.json")),
    );

    const bad = readFileSync(path.join(dir, "acts000001.bin"));
    bad.writeUInt16LE(infinity | 1, (perImage + 7) * 2);
    bad.writeUInt16LE(infinity | 0x8000, (2 * perImage + 1) * 2);
    bad.fill(0, 0, perImage * 2);
    writeFileSync(path.join(dir, "acts000001.bin"), bad);
    const { findings } = await verifyShards(dir);
    const messages = findings.map(({ message }) => message);
    expect(messages).toContainEqual(
      expect.stringMatching(/2 values are NaN or infinite, the first in image 4/),
    );
    expect(messages).toContainEqual(expect.stringMatching(/images 3 are all zeros/));
    expect(findings.map(({ code }) => code)).toContain("checksum");
  });

  it.skipIf(python === undefined)("are refused by the Python package", async () => {
    const folders: string[] = [];
    for (const dir of [await write(undefined, values()), await write(dtype, values())])
      folders.push(dir, (await convertShards(dir, "protocol-2.1", fresh())).dir);
    const answers = JSON.parse(runPython(reader, ...folders)) as string[];
    expect(answers.slice(0, 2)).toEqual(["read", "read"]);
    expect(answers[2]).toMatch(/unexpected keyword argument 'dtype'; mmap length is greater than file size/);
    expect(answers[3]).toMatch(/violates type hint.*float32.*; mmap length is greater than file size/);
  });

  it("refuse a value that is too large for them, and keep what came before", async () => {
    const exact = values();
    const large = dtype === "float16" ? 65520 : 3.4e38;
    exact[5 * perImage + 2 * 9 + 3] = -large;
    using writer = await ShardWriter.open(fresh(), metadata(dtype));
    using good = Tensor.from(exact.slice(0, 5 * perImage), [5, 2, 5, 9]);
    await writer.write(good);
    using bad = Tensor.from(exact.slice(5 * perImage), [3, 2, 5, 9]);
    await expect(writer.write(bad)).rejects.toMatchObject({
      code: "NUMERIC",
      message: expect.stringMatching(
        new RegExp(`^dtype: image 5, token 2 has the activation -.*, too large for ${dtype}`),
      ),
    });
    expect(writer.nextImage).toBe(5);
    // Infinities are the model's, not the format's: verify finds them. The largest number fits.
    exact[5 * perImage + 2 * 9 + 3] = dtype === "float16" ? 65519.99 : 3.38e38;
    exact[5 * perImage] = Number.NEGATIVE_INFINITY;
    using last = Tensor.from(exact.slice(5 * perImage), [3, 2, 5, 9]);
    await writer.write(last);
    await writer.finish();
    const image = await (await ShardFolder.open(writer.dir)).readImage(5);
    expect(image[0]).toBe(Number.NEGATIVE_INFINITY);
    expect(Number.isFinite(image[21])).toBe(true);
  });
});

it("costs a model's activations no more than half a unit in the last place, token by token", async () => {
  const model: TinyClip = {
    vision: { image_size: 32, patch_size: 8, width: 64, layers: 4, head_width: 16, mlp_ratio: 4 },
  };
  await writeTinyClip(path.join(root, "model"), model, tinyWeights(model, 1, 0.5));
  await writeDataset(path.join(root, "images"), 12);
  const record = async (dtype: string) => {
    const cfg = parseActivations({
      data: { root: path.join(root, "images") },
      dump_to: path.join(root, "recorded"),
      vit_ckpt: path.join(root, "model"),
      vit_batch_size: 5,
      vit_layers: [-3, -1],
      device: "cpu",
      dtype,
    });
    return ShardFolder.open((await recordActivations(cfg)).dir);
  };
  const exact = await record("float32");
  for (const dtype of ["float16", "bfloat16"] as const) {
    const stored = await record(dtype);
    let worst = 0;
    for (let i = 0; i < 12; i++) {
      const [a, b] = [await exact.readImage(i), await stored.readImage(i)];
      for (let token = 0; token < a.length; token += 64) {
        let [error, size] = [0, 0];
        for (let c = token; c < token + 64; c++) {
          error += (a[c]! - b[c]!) ** 2;
          size += a[c]! ** 2;
        }
        worst = Math.max(worst, Math.sqrt(error / size));
      }
    }
    // Each value is off by half a unit in the last place at most, and so is the vector.
    expect(worst, dtype).toBeLessThan(dtype === "float16" ? 2 ** -11 : 2 ** -8);
    expect(worst, dtype).toBeGreaterThan(dtype === "float16" ? 2 ** -14 : 2 ** -11);
  }
});

/**
 * What the Python package does to open a folder, in both of its versions: the class is made of the keys of metadata.json,
 * today under a checker of type hints, and files are mapped as float32 in full size.
 */
const reader = `
import dataclasses, json, pathlib, sys, typing
import numpy as np

@dataclasses.dataclass(frozen=True)
class Document:
    vit_family: str
    vit_ckpt: str
    layers: tuple
    n_patches_per_img: int
    cls_token: bool
    d_vit: int
    seed: int
    n_imgs: int
    n_patches_per_shard: int
    data: str

@dataclasses.dataclass(frozen=True, kw_only=True)
class Present:
    family: str
    ckpt: str
    layers: tuple
    content_tokens_per_example: int
    cls_token: bool
    d_model: int
    n_examples: int
    max_tokens_per_shard: int
    data: str
    dataset: pathlib.Path
    pixel_agg: typing.Literal["majority", "prefer-fg", None] = None
    dtype: typing.Literal["float32"] = "float32"
    protocol: typing.Literal["1.0.0", "1.1", "2.1"] = "2.1"
    def __post_init__(self):
        hints = typing.get_type_hints(type(self))
        for name in ("pixel_agg", "dtype", "protocol"):
            if getattr(self, name) not in typing.get_args(hints[name]):
                raise TypeError(f"{name}={getattr(self, name)!r} violates type hint {hints[name]}")

def open_folder(dir):
    said = []
    dct = json.loads((dir / "metadata.json").read_text())
    dct["layers"] = tuple(dct["layers"])
    try:
        (Present if "family" in dct else Document)(**dct)
    except TypeError as error:
        said.append(str(error))
    n = 31 // 2 // 5
    try:
        np.memmap(dir / "acts000000.bin", mode="c", dtype=np.float32, shape=(n, 2, 5, 9))
    except ValueError as error:
        said.append(str(error))
    return "; ".join(said) or "read"

print(json.dumps([open_folder(pathlib.Path(dir)) for dir in sys.argv[1:]]))
`;
