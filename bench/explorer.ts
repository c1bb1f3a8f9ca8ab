/**
 * How long the explorer takes to show a run of 16,384 latents with 128 images each (heat maps of 196 patches, 1.6 GB), how
 * evenly 100,000 rows scroll, and what memory it takes, in Chromium. The peer is what the Python package's notebook does before
 * it can show anything: `torch.load` of the four tables.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromiumPath, launchChromium } from "../packages/visuals/src/testing/chromium.js";
import { explorerTimes, scrollTimes } from "../packages/visuals/src/testing/explorer-times.js";
import { largeRun } from "../packages/visuals/src/testing/large-run.js";
import type { BenchResult } from "./result.js";

const sizes = { dSae: 16_384, topK: 128, nPatches: 196, dVit: 768, nImages: 300 };
const rows = 100_000;
const rounds = 3;

export default async function explorer(): Promise<BenchResult> {
  const chromium = chromiumPath();
  if (chromium === undefined) throw new Error("no Chromium: set SAEV_CHROMIUM, or put one on the path");
  const folder = mkdtempSync(path.join(tmpdir(), "saev-bench-explorer-"));
  const browser = await launchChromium(chromium);
  try {
    const root = await largeRun(path.join(folder, "large"), sizes);
    const times = [];
    const peers = [];
    for (let round = 0; round < rounds; round++) {
      times.push(await explorerTimes(browser, root, 20));
      peers.push(peerTime(root));
    }
    const small = await explorerTimes(
      browser,
      await largeRun(path.join(folder, "small"), { ...sizes, dSae: 1024, topK: 16 }),
      20,
    );
    const scrolled = await scrollTimes(
      browser,
      await largeRun(path.join(folder, "rows"), {
        dSae: rows,
        topK: 1,
        nPatches: 1,
        dVit: 2,
        nImages: 300,
        tablesOnly: true,
      }),
    );
    const best = times.reduce((a, b) => (a.firstPaint < b.firstPaint ? a : b));
    const peer = Math.min(...peers);
    const ms = (x: number) => `${x.toFixed(0)} ms`;
    const mb = ([before, after]: readonly [number, number]) =>
      `${((after - before) / 2 ** 20).toFixed(0)} MB`;
    return {
      name: "explorer",
      variant: "first paint",
      ...{ ours: best.firstPaint, peer, ratio: peer / best.firstPaint, unit: "ms" },
      notes: [
        `from nothing to a table with its thumbnails, every round: ${times.map((t) => ms(t.firstPaint)).join(", ")}; of the best, ${ms(best.opened)} until the server listens; asked for: 1500 ms`,
        `a latent's page, from the click to numbers and heat maps: best ${ms(best.latent.best)}, median ${ms(best.latent.median)}; with the pictures in sight ${ms(best.latentPictures.median)}; asked for: 150 ms`,
        `${rows} rows: ${scrolled.framesPerSecond.toFixed(1)} frames/s, median ${scrolled.median.toFixed(1)} ms, one in twenty over ${scrolled.slow.toFixed(1)} ms; ${scrolled.jump.toFixed(0)} ms after a jump of a million pixels; asked for: 60 frames/s`,
        `memory that no file backs, after 20 latents: ${times.map((t) => mb(t.memory)).join(", ")}; with 1,024 latents of 16 images ${mb(small.memory)}`,
        `peer: torch.load of top_values, top_img_i, sparsity and mean_values, import of torch not counted; best of ${rounds}`,
      ],
    };
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Milliseconds. */
function peerTime(root: string): number {
  const script = path.join(import.meta.dirname, "peers/explorer.py");
  const { status, stdout, stderr } = spawnSync(process.env.SAEV_PYTHON ?? "python3", [script, root], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`the peer failed: ${stderr}`);
  return Number(stdout);
}
