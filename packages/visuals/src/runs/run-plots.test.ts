import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Run } from "../explorer/api.js";
import { paretoPlot, trainingPlot } from "./run-plots.js";
import { writeRunPlots } from "./write-run-plots.js";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "saev-plots "));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (id: string, evaluation: Run["evaluation"], last: Run["last"] = null): Run => ({
  ...{ id, title: `sweep/<${id}>`, config: null, evaluation, last, views: [] },
});
const curve = (from: number) =>
  Array.from({ length: 20 }, (_, i) => ({
    ...{ step: 100 * (i + 1), loss: from / (i + 1), mse: from / (i + 1), l0: 30 + i, n_dead: i, lr: 1e-3 },
  }));

test("training curves: a panel a figure, a line a run, names escaped; nothing without metrics", () => {
  const runs = [run("a", null), run("b", null), run("c", null)];
  const svg = trainingPlot(runs, ({ id }) =>
    id === "c" ? [] : [...curve(id === "a" ? 2 : 3), { step: 2000, val_mse: 1, val_explained_variance: 0.7 }],
  )!;
  for (const name of ["loss", "MSE", "L0", "explained variance", "dead latents", "learning rate"])
    expect(svg).toContain(`aria-label="${name}"`);
  expect(svg).toContain("Training of 2 runs");
  expect(svg).toContain("sweep/&lt;a&gt;");
  expect(svg).not.toContain("sweep/&lt;c&gt;");
  expect(svg).not.toContain("NaN");
  expect(trainingPlot(runs, () => [])).toBeUndefined();
});

test("the Pareto front is joined and named", () => {
  const runs = [
    run("few", { l0: 10, mse: 0.5, explained_variance: 0.6 }),
    run("beaten", { l0: 20, mse: 0.7, explained_variance: 0.5 }),
    run("many", { l0: 40, mse: 0.2, explained_variance: 0.9 }),
    run("training", null, { step: 5, l0: 15, mse: 0.9 }),
    run("new", null),
  ];
  const svg = paretoPlot(runs)!;
  expect(svg).toContain("5 runs, 2 that no other beats");
  expect(svg).toContain("sweep/&lt;few&gt;");
  expect(svg).not.toContain("beaten");
  expect(svg).not.toContain("NaN");
  expect(paretoPlot([run("new", null)])).toBeUndefined();
});

test("both are written as SVG and PNG, whatever is missing is told", async () => {
  const runs = path.join(folder, "runs");
  for (const [name, l0] of [
    ["one", 8],
    ["two", 16],
  ] as const) {
    mkdirSync(path.join(runs, name), { recursive: true });
    writeFileSync(path.join(runs, name, "config.json"), "{}");
    writeFileSync(
      path.join(runs, name, "metrics.jsonl"),
      curve(l0)
        .map((e) => `${JSON.stringify(e)}\n`)
        .join(""),
    );
    writeFileSync(path.join(runs, name, "evaluation.json"), JSON.stringify({ l0, mse: 1 / l0 }));
  }
  const out = path.join(folder, "figures");
  const files = await writeRunPlots([runs], out);
  expect(files.map((file) => path.basename(file))).toEqual([
    "training.svg",
    "training.png",
    "pareto.svg",
    "pareto.png",
  ]);
  expect(readdirSync(out).sort()).toEqual(files.map((file) => path.basename(file)).sort());
  expect(readFileSync(files[2]!, "utf8")).toContain(">two<");
  expect(await sharp(files[1]).metadata()).toMatchObject({ format: "png", width: 1600 });
  const empty = path.join(folder, "empty");
  mkdirSync(path.join(empty, "run"), { recursive: true });
  writeFileSync(path.join(empty, "run", "config.json"), "{}");
  writeFileSync(path.join(empty, "run", "metrics.jsonl"), "");
  await expect(writeRunPlots([empty], path.join(folder, "nothing"))).rejects.toMatchObject({
    code: "NOT_FOUND",
    message: expect.stringContaining("has metrics.jsonl or evaluation.json yet"),
  });
  await expect(writeRunPlots([path.join(folder, "no")], out)).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect(readdirSync(folder)).not.toContain("nothing");
});
