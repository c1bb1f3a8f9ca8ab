import type { Metadata } from "@saev/config";
import { expect, it } from "vitest";
import { datasetOfShards } from "./dataset-of-shards.js";
import { type Protocol21Metadata, pickledText } from "./protocol21.js";

/** What a folder's metadata say, of which only the dataset counts here. */
const of = (data: string, root?: string) =>
  datasetOfShards({
    metadata: { data } as Metadata,
    protocol21: root === undefined ? undefined : ({ data, dataset: root } as Protocol21Metadata),
  });

/** As `pickle.dumps` of the Python package of March 2026 gave them (Python 3.11). */
const pickles = {
  imagenet:
    "gASVVwAAAAAAAACMEnNhZXYuZGF0YS5kYXRhc2V0c5SMCEltYWdlbmV0lJOUKYGUfZQojARuYW1llIwSSUxTVlJDL2ltYWdlbmV0LTFrlIwFc3BsaXSUjAV0cmFpbpR1Yi4=",
  segments:
    "gASVlAAAAAAAAACMEnNhZXYuZGF0YS5kYXRhc2V0c5SMDEltZ1NlZ0ZvbGRlcpSTlCmBlH2UKIwEcm9vdJSMB3BhdGhsaWKUjAlQb3NpeFBhdGiUk5SMA2FkZZSFlFKUjAVzcGxpdJSMCnZhbGlkYXRpb26UjApsYWJlbHNfY3N2lIwKbGFiZWxzLmNzdpSMCGJnX2xhYmVslEsAdWIu",
  made: "gASVOAAAAAAAAACMEnNhZXYuZGF0YS5kYXRhc2V0c5SMB0Zha2VJbWeUk5QpgZR9lIwKbl9leGFtcGxlc5RLCnNiLg==",
  pattern:
    "gASVXgAAAAAAAACMEnNhZXYuZGF0YS5kYXRhc2V0c5SMCUltZ0ZvbGRlcpSTlCmBlH2UjARyb290lIwHcGF0aGxpYpSMCVBvc2l4UGF0aJSTlIwBL5SMBGRhdGGUjAJiKpSHlFKUc2Iu",
};
/** An ImgFolder, whose path is one part: how Python 3.13 pickles it. */
const folder = (root: string) =>
  Buffer.from(
    `csaev.data.datasets\nImgFolder\n)\x81}X\x04\0\0\0rootcpathlib._local\nPosixPath\nX${String.fromCharCode(root.length)}\0\0\0${root}\x85Rsb.`,
    "latin1",
  ).toString("base64");

it("reads reprs, and pickles as text or as the Python package writes them", () => {
  const images = { kind: "image-folder-dataset", root: "/data/birds" };
  const repr = "ImageFolderDataset(root='/data/birds')";
  for (const there of [
    of(repr),
    of(pickledText(repr), ""),
    of(folder(images.root), ""),
    of(folder(images.root)),
  ])
    expect(there).toEqual({ dataset: images });
  expect(of(pickles.imagenet, "ILSVRC/imagenet-1k")).toEqual({
    dataset: { kind: "imagenet-dataset", name: "ILSVRC/imagenet-1k", split: "train" },
  });
  expect(of(pickles.segments, "ade")).toEqual({
    dataset: { kind: "glob-dataset", pattern: "ade/images/validation" },
  });
});

it("says why it cannot, and executes nothing", () => {
  const why = (data: string, root = "") => {
    const found = of(data, root);
    return "why" in found ? found.why : JSON.stringify(found);
  };
  expect(why(pickles.made)).toBe('it is FakeImg("") of the Python package, which is no dataset here');
  expect(why(pickles.pattern)).toMatch(/^it is ImgFolder\("\/data\/b\*"\)/);
  expect(why(Buffer.from("cos\nsystem\n(S'true'\ntR.").toString("base64"))).toBe(
    'the pickle of the dataset holds a Python object of "os.system", which is not read for safety',
  );
  expect(why(Buffer.from("}.").toString("base64"))).toMatch(
    /expected a pickled config of a dataset, found a dict/,
  );
  expect(why(pickles.imagenet.slice(0, 60))).toMatch(/it ends in the middle/);
  expect(why("")).toMatch(/it ends in the middle/);
  expect(why("NoDataset(root='a')")).toBe("no dataset is known by \"NoDataset(root='a')\"");
  expect(why(pickledText("NoDataset()"))).toBe('no dataset is known by "NoDataset()"');
});
