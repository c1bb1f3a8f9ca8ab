import { expect, test } from "vitest";
import { forwardWarnings } from "./warnings.js";

test("warnings of the work go through the reporter, those of Node do not, and listeners come back", async () => {
  const said: string[] = [];
  const reporter = {
    progress: () => {},
    note: () => {},
    warn: (text: string) => said.push(text),
    end: () => {},
  };
  const before = process.listeners("warning");
  const stop = forwardWarnings(reporter);
  process.emitWarning("no GPU\n  here", { code: "SAEV_DEVICE" });
  process.emitWarning("old", "DeprecationWarning");
  await stop();
  expect(said).toEqual(["no GPU here"]);
  expect(process.listeners("warning")).toEqual(before);
});
