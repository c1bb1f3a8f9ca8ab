import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openDataset } from "../images/image-dataset.js";
import { ListImages, type ListOptions } from "./list.js";

const fixtures = path.resolve(import.meta.dirname, "../../../../test/fixtures/datasets/paths");

let root: string;
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), "saev-list-"));
  cpSync(fixtures, root, { recursive: true });
});
afterAll(() => rmSync(root, { recursive: true }));

let counter = 0;
function list(text: string, extension = "csv", options: Partial<ListOptions> = {}) {
  const file = path.join(root, `list-${counter++}.${extension}`);
  writeFileSync(file, text);
  return ListImages.open(file, { base: "", pathColumn: "", labelColumn: "", ...options });
}

const content = async (dataset: ListImages) => {
  const all = [];
  for (let i = 0; i < dataset.length; i++)
    all.push([path.relative(root, await dataset.image(i)), await dataset.label(i)]);
  return all;
};

const expected = [
  ["pictures/2.png", "ox, grey"],
  ["pictures/0.png", 'an "élan"'],
  ["pictures/2.png", ""],
];

it("reads CSV, TSV, JSON lines and parquet, in the list's order", async () => {
  const csv = await list(
    '\uFEFFid,path,label\r\n1,pictures/2.png,"ox, grey"\r\n\r\n2,./pictures/0.png,"an ""élan"""\n3,pictures/2.png,\n',
  );
  expect(await content(csv)).toEqual(expected);
  expect(csv.classes).toEqual(['an "élan"', "ox, grey"]);
  expect(
    await content(
      await list(
        'species\tfile_name\nox, grey\tpictures/2.png\n"an ""élan"""\tpictures/0.png\n\tpictures/2.png',
        "tsv",
      ),
    ),
  ).toEqual(expected);
  const lines = [
    { path: "pictures/2.png", label: "ox, grey" },
    { path: "pictures/0.png", label: 'an "élan"' },
    { path: "pictures/2.png", label: null },
  ].map((row) => JSON.stringify(row));
  expect(await content(await list(`\uFEFF${lines.join("\n\n")}`, "jsonl"))).toEqual(expected);
  const parquet = {
    list: path.join(root, "list.parquet"),
    base: "",
    path_column: "",
    label_column: "species",
  };
  const dataset = await openDataset({ kind: "list-dataset", ...parquet });
  expect(await Promise.all([0, 1, 2].map((i) => dataset.label(i)))).toEqual(["élan", "ox", "ox"]);
  expect(path.relative(root, dataset.where(2))).toBe("pictures/2.png");
});

it("takes the columns that are named, numbers as labels, and lists without labels", async () => {
  const text = "a,b,path,label\npictures/0.png,3,x,y\n";
  expect(await content(await list(text, "csv", { pathColumn: "a", labelColumn: "b" }))).toEqual([
    ["pictures/0.png", "3"],
  ]);
  expect(await content(await list('{"image":"pictures/1.png","label":7}', "jsonl"))).toEqual([
    ["pictures/1.png", "7"],
  ]);
  expect(await content(await list("file\npictures/1.png\n"))).toEqual([["pictures/1.png", ""]]);
  await expect(list(text, "csv", { labelColumn: "c" })).rejects.toThrow(
    'expected a column of labels called "c", found the columns a, b, path, label; name it with label_column',
  );
  await expect(list("a,b\n1,2\n")).rejects.toThrow(
    /expected a column of paths \(path, file_name, .*found the columns a, b/,
  );
});

it("lets no path out of its folder, unless base is a folder above", async () => {
  for (const bad of ["../x.png", "/etc/hostname", "pictures/../../x.png", ""])
    await expect(list(`label,path\na,pictures/0.png\na,${bad}\n`)).rejects.toThrow(
      `line 3: the path ${JSON.stringify(bad)} leads out of ${root}; set base`,
    );
  const absolute = path.join(root, "pictures/1.png");
  expect(await content(await list(`path\n${absolute}\n`))).toEqual([["pictures/1.png", ""]]);
  const above = await list(`path\n${absolute}\n`, "csv", { base: "/" });
  expect(await above.image(0)).toBe(absolute);
  const based = await list("path\n1.png\n", "csv", { base: path.join(root, "pictures") });
  expect(await based.image(0)).toBe(absolute);

  symlinkSync("/etc", path.join(root, "etc"));
  symlinkSync("1.png", path.join(root, "pictures/one.png"));
  const linked = await list("path\netc/hostname\npictures/one.png\n");
  await expect(linked.image(0)).rejects.toThrow(/line 2: the path "etc\/hostname" leads out of/);
  expect(await linked.image(1)).toBe(path.join(root, "pictures/one.png"));
});

it("says what is wrong with a list, and where", async () => {
  await expect(list("path\n")).rejects.toThrow("expected paths of pictures, found none");
  await expect(list("path,label\na.png\n")).rejects.toThrow(/list-\d+.csv: Invalid Record Length/);
  await expect(list('path\n"a.png\n')).rejects.toThrow(/list-\d+.csv: Quote Not Closed/);
  await expect(list('{"path":"a.png"}\n{"path":', "jsonl")).rejects.toThrow(
    /jsonl, line 2: expected a JSON object/,
  );
  await expect(list("[1]", "jsonl")).rejects.toThrow("line 1: expected a JSON object, found no object");
  await expect(list('{"path":"a.png"}\n{"path":5}', "jsonl")).rejects.toThrow(
    'line 2: expected a path under "path", found 5',
  );
  await expect(list("x".repeat(3_000_000), "jsonl")).rejects.toMatchObject({ code: "BAD_FILE" });
  await expect(list("path", "xlsx")).rejects.toThrow(
    "expected a list as .csv, .tsv, .jsonl or .parquet, found .xlsx",
  );
  await expect(list("no parquet at all", "parquet")).rejects.toMatchObject({ code: "BAD_FILE" });
  const options = { base: "", pathColumn: "", labelColumn: "" };
  for (const extension of ["csv", "jsonl", "parquet"])
    await expect(ListImages.open(path.join(root, `none.${extension}`), options)).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
});
