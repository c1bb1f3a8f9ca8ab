import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { folders, lastInputOf, root } from "./folders.js";
import type { FuzzResult } from "./result.js";

/** Runs a target in TypeScript in a process of its own. A process that dies is a finding too. */
export function fuzzScript(
  name: string,
  runs: number,
  { seed = 1, committed = false } = {},
): Promise<FuzzResult> {
  const register = path.join(root, "scripts/source/register.mjs");
  const args = [
    "--import",
    register,
    path.join(import.meta.dirname, "child.ts"),
    name,
    String(runs),
    String(seed),
    ...(committed ? ["committed"] : []),
  ];
  return new Promise((resolve, reject) => {
    // A long run leaves the machine to its owner; the tests' short one must come to its end beside other tests.
    const command = [...(committed ? [] : ["nice"]), process.execPath, ...args];
    const child = spawn(command[0]!, command.slice(1), { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (data: string) => {
      text += data;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      const line = text.trim().split("\n").at(-1) ?? "";
      if (line.startsWith("{")) return resolve(JSON.parse(line) as FuzzResult);
      const last = lastInputOf(name);
      if (!existsSync(last))
        return reject(new Error(`${name}: the process ended with ${signal ?? `code ${code}`}`));
      const crash = path.join(folders.findings, name, `crash-${Date.now()}`);
      mkdirSync(path.dirname(crash), { recursive: true });
      copyFileSync(last, crash);
      rmSync(last);
      reject(new Error(`${name}: the process ended with ${signal ?? `code ${code}`} on ${crash}`));
    });
  });
}
