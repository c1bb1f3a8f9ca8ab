import { describe, expect, test } from "vitest";
import { datasetSpecs } from "./dataset.js";
import { Dataset, datasetOfRepr, datasetWords } from "./index.js";
import { pythonReprOf } from "./python.js";

describe("datasetOfRepr", () => {
  test.each([
    { kind: "image-folder-dataset", root: 'it\'s "odd"\\here\n\u2028\u{1f600}\x01' },
    { kind: "imagenet-dataset", name: "a, split='b'", split: "x" },
    { kind: "ade20k-dataset", root: "ade", split: "validation" },
    { kind: "list-dataset", list: "a.csv", base: "", path_column: "p", label_column: "" },
    { kind: "glob-dataset", pattern: "a/**/*.jpg" },
    { kind: "webdataset-dataset", tars: "{000..015}.tar" },
  ])("is the way back from $kind", (value) => {
    const dataset = Dataset.parse(value);
    const spec = datasetSpecs.find(({ kind }) => kind === dataset.kind)!;
    const repr = pythonReprOf(spec, dataset);
    expect(datasetOfRepr(repr)).toEqual(dataset);
    const moved = datasetOfRepr(repr, "elsewhere")!;
    expect(Object.values(moved)).toContain("elsewhere");
    expect(moved.kind).toBe(dataset.kind);
  });

  test.each([
    "",
    "gASVQwAAAAAAAACMCHNhZXY=",
    "NoDataset(root='a')",
    "ImageFolderDataset(root='a'",
    "ImageFolderDataset(root=a)",
    "ImageFolderDataset(root='a', other='b')",
    "Ade20kDataset(root='a', split='none')",
    "ImageFolderDataset(root='\\')",
  ])("has nothing to say of %j", (text) => {
    expect(datasetOfRepr(text)).toBeUndefined();
  });
});

test("datasetWords names a dataset as a command line does, with the place to fill in", () => {
  expect(datasetWords()).toBe("data:image-folder-dataset --data.root FOLDER");
  const words = (value: unknown) => datasetWords(Dataset.parse(value));
  expect(words({ kind: "ade20k-dataset", root: "a", split: "validation" })).toBe(
    "data:ade20k-dataset --data.root FOLDER --data.split validation",
  );
  expect(words({ kind: "list-dataset", list: "a.csv", path_column: "p" })).toBe(
    "data:list-dataset --data.list LIST --data.path-column p",
  );
});
