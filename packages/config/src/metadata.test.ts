import { expect, test } from "vitest";
import { metadataHash, metadataOf, metadataText, parseActivations, parseMetadata } from "./index.js";

const cfg = parseActivations({ data: { root: "it's 写真 📷" }, vit_layers: [-2, -1], d_vit: 64 });

test("text and hash are those of the Python package", () => {
  const metadata = metadataOf(cfg, 24);
  expect(metadataText(metadata)).toBe(`{
    "vit_family": "clip",
    "vit_ckpt": "ViT-L-14/openai",
    "layers": [
        -2,
        -1
    ],
    "n_patches_per_img": 256,
    "cls_token": true,
    "d_vit": 64,
    "seed": 42,
    "n_imgs": 24,
    "n_patches_per_shard": 2400000,
    "data": "ImageFolderDataset(root=\\"it's \\u5199\\u771f \\ud83d\\udcf7\\")"
}`);
  expect(metadataHash(metadata)).toBe("640cbae5f0b70ca959aeb907e345059c55004a0d4de5e79db38814c9e2a93146");
  expect(metadataHash(parseMetadata(JSON.parse(metadataText(metadata))))).toBe(metadataHash(metadata));
});

test("datasets that the Python package does not have stand in the metadata by all of their fields", () => {
  const of = (data: object) => metadataOf(parseActivations({ data }), 3);
  const list = of({ list: "it's.csv", label_column: "species" });
  expect(of({ tars: "t/{0..3}.tar" }).data).toBe("WebdatasetDataset(tars='t/{0..3}.tar')");
  expect(list.data).toBe(`ListDataset(list="it's.csv", base='', path_column='', label_column='species')`);
  expect(of({ pattern: "写真/*" }).data).toBe("GlobDataset(pattern='写真/*')");
  expect(metadataHash(parseMetadata(JSON.parse(metadataText(list))))).toBe(metadataHash(list));
});

test("a metadata.json that lies about its types is refused with every mistake", () => {
  expect(() =>
    parseMetadata({ ...metadataOf(cfg, 24), d_vit: "64", n_imgs: -1, extra: 1, data: undefined }),
  ).toThrow(
    /^d_vit: expected an integer >= 1, found "64"; n_imgs: .*; data: expected a string, found nothing; extra: /,
  );
});
