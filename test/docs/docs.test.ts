/**
 * Runs the blocks of every page, in their order, in a folder of the page's own with a small recording, two SAEs and a gallery.
 * Trainings are made short (saev-small.mjs); nothing is asked of the network.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { python } from "../../packages/core-native/src/io/python.test-util.js";
import { compile, root } from "../e2e/saev.js";
import { blocksOf, fileOf, isProgram } from "./blocks.js";
import { elsewhere, pages } from "./pages.js";
import { pythonTables, runBlock } from "./run-block.js";
import { copyOf, makeTemplate, type Workspace } from "./workspace.js";

// As many as there are cores for tests.
vi.setConfig({ maxConcurrency: 2 });

let template: Workspace;
beforeAll(async () => {
  compile();
  template = await makeTemplate();
}, 120_000);
afterAll(() => {
  for (const folder of [template.folder, `${template.folder}-pages`])
    rmSync(folder, { recursive: true, force: true });
});

const hasTables = existsSync(path.join(pythonTables, "scipy"));
const runsPython = python !== undefined && hasTables;
if (!hasTables)
  console.warn("skipping Python blocks of the documentation: no .cache/python-tables; npm run setup");

const own = pages.flatMap((page) => {
  if (page in elsewhere) return [];
  const blocks = blocksOf(readFileSync(path.join(root, page), "utf8"));
  const runs = blocks.filter((block) => (isProgram(block) && block.notRun === undefined) || fileOf(block));
  return runs.some(isProgram) ? [{ page, runs }] : [];
});

describe.concurrent("the blocks run", { timeout: 180_000 }, () => {
  test.for(own)("of $page", async ({ page, runs }) => {
    const workspace = copyOf(template, page);
    for (const block of runs) {
      const name = fileOf(block);
      if (name !== undefined) {
        const file = path.join(workspace.folder, name);
        mkdirSync(path.dirname(file), { recursive: true });
        // There are fewer activations here than a reader has.
        writeFileSync(file, block.text.replaceAll(/n_reinit_samples = [\d_]+/g, "n_reinit_samples = 1000"));
      } else if (runsPython || !block.language.startsWith("py"))
        await runBlock(block, workspace).catch((error: Error) => {
          throw new Error(`${page}:${block.line}: ${error.message}`);
        });
    }
  });
});

test("pages whose blocks other tests run are named by those", () => {
  for (const [page, file] of Object.entries(elsewhere))
    expect(readFileSync(path.join(root, file), "utf8")).toContain(path.basename(page));
});
