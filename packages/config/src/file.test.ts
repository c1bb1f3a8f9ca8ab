import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ConfigError, grid, loadConfigFile, parseConfigText, parseTrain } from "./index.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "saev-config-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

test("TOML and JSON say the same", () => {
  const toml = file(
    "a.toml",
    'lr = 1e-3\nn_patches = 2_400_000\n[sae]\nexp_factor = 8\n[data]\nclamp = inf\nlayer = "all"\n',
  );
  const json = file(
    "a.json",
    '{"$schema": "train.schema.json", "lr": 0.001, "n_patches": 2400000, "sae": {"exp_factor": 8}}',
  );
  const fromToml = parseTrain(loadConfigFile(toml));
  expect(fromToml).toMatchObject({ lr: 1e-3, n_patches: 2_400_000, data: { layer: "all", clamp: Infinity } });
  expect(parseTrain(loadConfigFile(json))).toMatchObject({ lr: 1e-3, sae: { kind: "relu", exp_factor: 8 } });
});

test("a sweep in TOML", () => {
  const text = `
lr = { log_uniform = [1e-4, 1e-2] }
[search]
n_samples = 3
[sae]
exp_factor = [4, 8]
`;
  const { cfgs, errs } = grid(parseTrain({}), parseConfigText(text, "toml"));
  expect(errs).toEqual([]);
  expect(cfgs).toHaveLength(6);
});

test.each([
  [
    "NOT_FOUND",
    "missing.toml",
    undefined,
    /missing\.toml: expected a TOML or JSON file, found no such file$/,
  ],
  ["BAD_FILE", "bad.toml", "lr = \n", /bad\.toml: expected TOML, found .* \(line 1, column \d+\)$/],
  [
    "BAD_FILE",
    "twice.toml",
    "lr = 1\nlr = 2\n",
    /twice\.toml: expected TOML, found .* \(line 2, column \d+\)$/,
  ],
  ["BAD_FILE", "big.toml", "seed = 123456789012345678901\n", /big\.toml: expected TOML, found .*\(line 1/],
  ["BAD_FILE", "bad.json", "{", /bad\.json: expected JSON, found [^\n]+$/],
  ["BAD_FILE", "list.JSON", "[1]", /list\.JSON: expected a JSON object, found a list$/],
  [
    "BAD_FILE",
    "latin1.toml",
    Buffer.from([0x74, 0x3d, 0x22, 0xff, 0x22]),
    /latin1\.toml: expected UTF-8 text/,
  ],
])("%s for %s", (code, name, content, message) => {
  const path = content === undefined ? join(folder, name) : file(name, content);
  let caught: unknown;
  try {
    loadConfigFile(path);
  } catch (error) {
    caught = error;
  }
  expect(caught).toBeInstanceOf(ConfigError);
  expect(caught).toMatchObject({ code });
  expect((caught as ConfigError).message).toMatch(message);
  expect((caught as ConfigError).message).not.toContain("\n");
});

test("a folder is no file, and dates are no values", () => {
  expect(() => loadConfigFile(folder)).toThrow(/found a folder$/);
  expect(() => parseTrain(parseConfigText("lr = 1979-05-27\n", "toml"))).toThrow(
    /^lr: expected a number >= 0, found "1979/,
  );
});
