import { describe, expect, it } from "vitest";
import { type Outcome, passes } from "./area.js";
import { areaNames, hasReference, loadArea, referenceFolder } from "./reference.js";

const folder = referenceFolder();
const present = hasReference(folder);
if (!present) console.warn(`conformance is skipped: no reference at ${folder} (set SAEV_REFERENCE)`);

describe.skipIf(!present)("conformance with the reference", () => {
  it("gives every area a name of its own", async () => {
    const names = await Promise.all(areaNames().map(async (file) => (await loadArea(file)).name));
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(areaNames())("%s", { timeout: 180_000 }, async (name) => {
    const area = await loadArea(name);
    const short: Outcome[] = [];
    let compared = 0;
    for await (const outcome of area.run(folder)) {
      compared += 1;
      if (!passes(outcome)) short.push(outcome);
    }
    expect(short).toEqual([]);
    expect(compared).toBeGreaterThan(0);
  });
});
