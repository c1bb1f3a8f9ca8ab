import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { ConformanceArea } from "../area.js";
import { type Mode, readJson } from "../visuals/compare.js";
import { gallery } from "../visuals/gallery.js";
import { imaging, percentiles } from "../visuals/imaging.js";

export const visuals: ConformanceArea = {
  name: "visuals",
  async *run(folder) {
    yield* imaging(folder);
    yield* percentiles(folder);
    const scratch = mkdtempSync(path.join(tmpdir(), "saev-visuals-"));
    try {
      const modes = readJson(path.join(folder, "visuals", "index.json")) as Record<string, Mode>;
      for (const [name, mode] of Object.entries(modes)) yield* gallery(folder, name, mode, scratch);
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  },
};
