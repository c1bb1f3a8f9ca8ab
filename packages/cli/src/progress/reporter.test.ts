import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { styleOf } from "../help/style.js";
import { barLine } from "./bar.js";
import { Rate } from "./rate.js";
import { makeReporter } from "./reporter.js";
import { Step } from "./step.js";

/** A stream that keeps what is written, and a clock that a test moves. */
function setUp(options: { isTTY?: boolean; columns?: number; quiet?: boolean; json?: boolean }) {
  const written: string[] = [];
  const clock = { now: 0 };
  const { isTTY, columns, quiet, json } = options;
  const stderr = { write: (text: string) => written.push(text), isTTY, columns };
  const stdout = { write: () => expect.unreachable("results are the command's to print") };
  const io = { stdout, stderr, env: { LANG: "C.UTF-8", TERM: "xterm", NO_COLOR: "1" } };
  const reporter = makeReporter(io, { quiet: quiet ?? false, json: json ?? false, now: () => clock.now });
  return { reporter, clock, text: () => written.join("") };
}

const at = (done: number, values?: Record<string, number>) => ({
  label: "recording",
  done,
  total: 200,
  unit: "images",
  ...(values && { values }),
});

test("a rate is that of the last seconds, and counts only what was done since the start", () => {
  const rate = new Rate(10);
  expect(rate.perSecond()).toBeUndefined();
  rate.add(0, 5000);
  expect(rate.perSecond()).toBeUndefined();
  rate.add(10, 5010);
  expect(rate.perSecond()).toBe(1);
  rate.add(20, 5110);
  rate.add(30, 5210);
  expect(rate.perSecond()).toBe(10);
});

describe("on a terminal", () => {
  test("one line is drawn over and over, at most ten times a second, and ends in a summary", () => {
    const { reporter, clock, text } = setUp({ isTTY: true, columns: 100 });
    for (let i = 0; i <= 200; i++) {
      clock.now = i / 16;
      reporter.progress(at(i));
    }
    reporter.end(true);
    const drawings = text().split("\r\u001b[K").slice(1);
    expect(drawings.length).toBeGreaterThan(50);
    expect(drawings.length).toBeLessThan(105);
    expect(drawings.find((line) => line.includes(" 50%"))).toMatch(
      /^recording {2}█{15}░{15} {3}50% {2}100\/200 images {2}16 images\/s {2}0:06 left$/,
    );
    expect(drawings.at(-1)).toBe("recording: 200 images in 0:13 (16 images/s)\n");
  });

  test("notes and warnings appear above the line", () => {
    const { reporter, clock, text } = setUp({ isTTY: true, columns: 60 });
    reporter.progress(at(0));
    clock.now = 1;
    reporter.warn("no GPU");
    const [, first, warning, again] = text().split("\r\u001b[K");
    expect(warning).toBe("warning: no GPU\n");
    expect(again).toBe(first);
    expect(text().split("\n")).toHaveLength(2);
  });

  test.each([120, 79, 60, 40, 25, 10])("%d columns are never overrun", (columns) => {
    const step = new Step(at(50, { mse: 0.123456, l0: 45.6 }), 0);
    step.update(at(100, { mse: 0.123456, l0: 45.6 }), 10);
    const line = barLine(step, columns - 1, true, styleOf(true));
    expect(stripVTControlCharacters(line).length).toBeLessThan(columns);
    if (columns === 120)
      expect(stripVTControlCharacters(line)).toContain("5 images/s  0:20 left  mse 0.123  l0 45.6");
  });
});

describe("through a pipe", () => {
  test("a plain line comes every few seconds, and a summary", () => {
    const { reporter, clock, text } = setUp({});
    for (let i = 0; i <= 200; i++) {
      clock.now = i / 10;
      reporter.progress(at(i));
    }
    reporter.end(true);
    expect(text().split("\n")).toEqual([
      "recording: 10%, 20/200 images, 10 images/s, 0:18 left",
      "recording: 35%, 70/200 images, 10 images/s, 0:13 left",
      "recording: 60%, 120/200 images, 10 images/s, 0:08 left",
      "recording: 85%, 170/200 images, 10 images/s, 0:03 left",
      "recording: 200 images in 0:20 (10 images/s)",
      "",
    ]);
  });

  test("another label ends the step before; a step that stopped says how far it came", () => {
    const { reporter, clock, text } = setUp({});
    reporter.progress(at(150));
    clock.now = 1;
    reporter.progress(at(200));
    reporter.progress({ label: "training", done: 0, total: 10, unit: "steps" });
    clock.now = 3;
    reporter.progress({ label: "training", done: 4, total: 10, unit: "steps" });
    reporter.end(false);
    expect(text()).toBe(
      "recording: 200 images in 0:01 (50 images/s)\ntraining: 40%, 4/10 steps, 2 steps/s, 0:03 left\ntraining: 4 of 10 steps in 0:02 (2 steps/s)\n",
    );
  });

  test("--quiet leaves warnings only", () => {
    const { reporter, text } = setUp({ quiet: true });
    reporter.progress(at(1));
    reporter.note("kept in metrics.jsonl");
    reporter.warn("no GPU");
    reporter.end(true);
    expect(text()).toBe("warning: no GPU\n");
  });

  test("--log-format json writes an object a line, at most one a second and step", () => {
    const { reporter, clock, text } = setUp({ json: true });
    for (let i = 0; i <= 200; i++) {
      clock.now = i / 100;
      reporter.progress(at(i, { mse: 0.5 }));
    }
    reporter.note("a note");
    reporter.end(true);
    const events = text()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events.map(({ event, done }) => [event, done])).toEqual([
      ["progress", 0],
      ["progress", 100],
      ["progress", 200],
      ["note", undefined],
      ["end", 200],
    ]);
    expect(events[1]).toMatchObject({
      label: "recording",
      total: 200,
      unit: "images",
      per_second: 100,
      seconds_left: 1,
      values: { mse: 0.5 },
    });
    expect(events[4]).toMatchObject({ finished: true });
    for (const { time } of events) expect(new Date(time as string).toISOString()).toBe(time);
  });
});
