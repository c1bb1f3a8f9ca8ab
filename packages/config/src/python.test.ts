import { describe, expect, test } from "vitest";
import { pythonJson, pythonRepr } from "./python.js";

// The right-hand sides were printed by CPython 3.11.
describe("pythonRepr", () => {
  test.each([
    ["plain", "'plain'"],
    ["", "''"],
    ["it's", `"it's"`],
    [`say "hi"`, `'say "hi"'`],
    [`both'and"`, `'both\\'and"'`],
    ["back\\slash\ttab\nline\rret", "'back\\\\slash\\ttab\\nline\\rret'"],
    ["\u0000\u001b\u007f\u0085\u00a0\u00ad", "'\\x00\\x1b\\x7f\\x85\\xa0\\xad'"],
    ["\u200b\u2028\u3000\ufeff", "'\\u200b\\u2028\\u3000\\ufeff'"],
    ["\ud83d\udcf7写真é", "'📷写真é'"],
    ["\ud800", "'\\ud800'"],
    ["\u{e0001}\u{10ffff}", "'\\U000e0001\\U0010ffff'"],
    ["s\u0323\u0307", "'s\u0323\u0307'"],
  ])("%#", (value, repr) => {
    expect(pythonRepr(value)).toBe(repr);
  });

  test.each([
    [100000, "100000.0"],
    [1e16, "1e+16"],
    [123456789012345680, "1.2345678901234568e+17"],
    [2 ** 53, "9007199254740992.0"],
    [0.0001, "0.0001"],
    [0.00001, "1e-05"],
    [0.0004, "0.0004"],
    [0.00012345, "0.00012345"],
    [1.5e-7, "1.5e-07"],
    [1e22, "1e+22"],
    [1e-323, "1e-323"],
    [-0, "-0.0"],
    [-2.5, "-2.5"],
    [Number.NaN, "nan"],
    [-Infinity, "-inf"],
  ])("the float %s", (value, repr) => {
    expect(pythonRepr(value, { float: true })).toBe(repr);
  });

  test("other values", () => {
    expect(pythonRepr([1, -2])).toBe("[1, -2]");
    expect(pythonRepr(null)).toBe("None");
    expect(pythonRepr(true)).toBe("True");
    expect(() => pythonRepr({})).toThrow(TypeError);
  });
});

describe("pythonJson", () => {
  test("escapes all but ASCII, as ensure_ascii does", () => {
    expect(pythonJson('é📷\u007f\u2028"\\/\b\u0001\ud800~')).toBe(
      '"\\u00e9\\ud83d\\udcf7\\u007f\\u2028\\"\\\\/\\b\\u0001\\ud800~"',
    );
  });

  test("lays out like json.dumps", () => {
    const value = { b: [1, [], {}], a: { y: null, x: true } };
    expect(pythonJson(value)).toBe('{"b": [1, [], {}], "a": {"y": null, "x": true}}');
    expect(pythonJson(value, { sortKeys: true })).toBe('{"a": {"x": true, "y": null}, "b": [1, [], {}]}');
    expect(pythonJson(value, { indent: 2 })).toBe(
      '{\n  "b": [\n    1,\n    [],\n    {}\n  ],\n  "a": {\n    "y": null,\n    "x": true\n  }\n}',
    );
  });

  test("sorts keys by code point, not by UTF-16 unit", () => {
    expect(pythonJson({ "\ud83d\udcf7": 1, "\uffee": 2 }, { sortKeys: true })).toBe(
      '{"\\uffee": 2, "\\ud83d\\udcf7": 1}',
    );
  });

  test("numbers: integers in full, floats where they are said to be", () => {
    expect(pythonJson([1, 2 ** 53, 1e21, 0.5, 1e-7])).toBe(
      "[1, 9007199254740992, 1000000000000000000000, 0.5, 1e-07]",
    );
    expect(pythonJson({ lr: 1, n: 1 }, { isFloat: (path) => path === "lr" })).toBe('{"lr": 1.0, "n": 1}');
    expect(pythonJson([Number.NaN, Infinity, -Infinity])).toBe("[NaN, Infinity, -Infinity]");
  });
});
