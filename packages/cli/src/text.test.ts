import { expect, test } from "vitest";
import { amount, bytes, duration, figure, pairs, table } from "./text.js";

test.each([
  [0, "0"],
  [17.84, "17.8"],
  [0.01234, "0.0123"],
  [1234.5, "1,235"],
  [4.14e-7, "4.1e-7"],
  [-0.5, "-0.5"],
  [Number.NaN, "NaN"],
  [Number.POSITIVE_INFINITY, "Infinity"],
])("figure %d", (x, text) => expect(figure(x)).toBe(text));

test.each([
  [0, "0:00"],
  [7.4, "0:07"],
  [59.6, "1:00"],
  [754, "12:34"],
  [11_045, "3:04:05"],
  [-3, "0:00"],
])("duration %d", (seconds, text) => expect(duration(seconds)).toBe(text));

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1500, "1.5 kB"],
  [999_999, "1 MB"],
  [9_830_400_000, "9.83 GB"],
])("bytes %d", (n, text) => expect(bytes(n)).toBe(text));

test("amounts are counted in words", () => {
  expect([amount(1, "image"), amount(0, "image"), amount(12_345, "patch", "patches")]).toEqual([
    "1 image",
    "0 images",
    "12,345 patches",
  ]);
});

test("a table aligns numbers to the right and leaves no blanks at the ends of lines", () => {
  expect(
    table(
      ["run", "L0", "note"],
      [
        ["a", 4.25, ""],
        ["long", 12345, "x"],
      ],
    ),
  ).toBe("run       L0  note\na       4.25\nlong  12,345  x\n");
  expect(
    pairs([
      ["a", "1"],
      ["long", "2"],
      ["", "3"],
    ]),
  ).toBe("a     1\nlong  2\n      3\n");
});
