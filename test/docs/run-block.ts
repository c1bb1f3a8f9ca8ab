import { spawn } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import { python } from "../../packages/core-native/src/io/python.test-util.js";
import { root } from "../e2e/saev.js";
import { type Block, commandsOf } from "./blocks.js";
import type { Workspace } from "./workspace.js";

/** Of .cache/python-tables, which some programs of pages import. */
export const pythonTables = path.join(root, ".cache/python-tables");

/** Runs a block in a page's folder. @throws Error with what it printed. */
export async function runBlock(block: Block, { folder, env }: Workspace): Promise<void> {
  const [command, args, more] = invocation(block, folder);
  const child = spawn(command, args, {
    cwd: folder,
    env: { ...env, ...more },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (piece) => {
      out += piece;
    });
  const code = await new Promise((done, failed) => {
    child.on("error", failed);
    child.on("close", done);
  });
  if (code !== 0) throw new Error(`exit code ${code}\n${block.text}\n${out}`);
}

function invocation(block: Block, folder: string): [string, string[], Record<string, string>?] {
  const text = filled(commandsOf(block), folder);
  if (block.language === "ts" || block.language === "js") {
    const module = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
    writeFileSync(
      path.join(folder, "block.js"),
      ts.transpileModule(text, { compilerOptions: module }).outputText,
    );
    return [process.execPath, ["block.js"]];
  }
  if (block.language === "py" || block.language === "python")
    return [python!, ["-c", text], { PYTHONPATH: pythonTables }];
  // Variables live from block to block, as in a reader's terminal.
  const state = ".variables";
  const shell = `[ ! -f ${state} ] || . ./${state}\nset -aeuo pipefail\n${text}\nexport -p | grep -v " PATH=" > ${state}`;
  return ["bash", ["-c", shell]];
}

/** Pages write HASH and RUN, or the beginning of a name and an ellipsis, for names that differ each time. */
function filled(text: string, folder: string): string {
  const first = (parent: string) => {
    const names = existsSync(path.join(folder, parent)) ? readdirSync(path.join(folder, parent)) : [];
    const there = names.filter((name) => /^[0-9a-z]/.test(name)).toSorted()[0];
    if (there === undefined) throw new Error(`nothing is in ${parent} yet`);
    return `${parent}/${there}`;
  };
  return (
    text
      .replaceAll(/nPatches: [\d_]+/g, "nPatches: 3000")
      // Thousands of words, which the page's first command reads.
      .replaceAll("readVocabulary()", 'readVocabulary("birds.txt")')
      .replaceAll(/\bshards\/(HASH|[0-9a-f]+…)/g, () => first("shards"))
      .replaceAll(/\b(checkpoints|runs)\/(RUN|[0-9a-z]{8}-[0-9a-z]{4})\b/g, (_, parent: string) =>
        first(parent),
      )
  );
}
