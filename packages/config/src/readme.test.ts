import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { grid, parseConfigText, parseTrain } from "./index.js";
import { built } from "./testing/built.js";

const folder = path.resolve(import.meta.dirname, "..");
const blocks = [
  ...readFileSync(path.join(folder, "README.md"), "utf8").matchAll(/^```(.*)\n([\s\S]*?)^```$/gm),
].map(([, language, text]) => ({ language: language!, text: text! }));
const programs = blocks.flatMap((block, i) =>
  block.language === "ts" ? [{ code: block.text, output: blocks[i + 1] }] : [],
);

describe("the README", () => {
  test("has examples of each sort", () => {
    const count = (language: string) => blocks.filter((b) => b.language === language).length;
    expect([count("toml train"), count("toml sweep"), programs.length]).toEqual([1, 2, 5]);
  });

  test.each(blocks.filter((b) => b.language.startsWith("toml")))(
    "its TOML %# is right",
    ({ language, text }) => {
      const value = parseConfigText(text, "toml");
      if (language === "toml train") expect(parseTrain(value).lr).toBe(1e-3);
      else expect(grid(parseTrain({}), value).errs).toEqual([]);
    },
  );

  test.each(programs)("its program %# prints what it says", ({ code, output }) => {
    built();
    expect(output?.language).toBe("text");
    const module = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 };
    const js = ts.transpileModule(code, { compilerOptions: module }).outputText;
    // The package's name resolves to its own build from inside its folder.
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", js], {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined, NODE_OPTIONS: "" },
    });
    expect(stderr).toBe("");
    expect(stdout).toBe(output?.text);
  });
});
