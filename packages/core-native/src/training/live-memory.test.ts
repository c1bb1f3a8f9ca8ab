import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type ResolvedTrain, Train } from "@saev/config";
import { expect, it } from "vitest";
import { ImageFolder } from "../images/image-folder.js";
import type { ModelFacts } from "../vit/model-facts.js";
import { liveMemory } from "./live-memory.js";

it("the plan has room for a dataset's list of pictures", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const root = mkdtempSync(path.join(tmpdir(), "saev-list-"));
  try {
    const [folders, files] = [10, 500];
    const first = path.join(root, "first.png");
    writeFileSync(first, "");
    for (let c = 0; c < folders; c++) {
      const folder = path.join(root, `class_${c}_with_a_name`);
      mkdirSync(folder);
      for (let i = 0; i < files; i++) linkSync(first, path.join(folder, `n0144_${i}.png`));
    }
    collect();
    const before = process.memoryUsage().heapUsed;
    const dataset = await ImageFolder.open(root);
    collect();
    const listed = process.memoryUsage().heapUsed - before;
    const facts = { dVit: 8, nLayers: 1, nPatches: 4, transform: { height: 8, width: 8 } } as ModelFacts;
    const cfg = Train.parse({ data: { live: true } }) as ResolvedTrain;
    const planned = liveMemory(cfg, facts, dataset.length) - liveMemory(cfg, facts, 0);
    expect(dataset.length).toBe(folders * files);
    expect(planned).toBeGreaterThan(listed);
    expect(planned).toBeLessThan(10 * listed);
  } finally {
    rmSync(root, { recursive: true });
  }
});
