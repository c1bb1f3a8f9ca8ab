// A step as a process of its own, so that it goes on beside others.
//   node scripts/setup/beside.mjs FILE FUNCTION (of FILE in this folder)
import { spawn } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { root, SetupError, say } from "./step.mjs";

/** Starts a function of a file of this folder. @returns when it has ended; rejects with SetupError when it failed. */
export function beside(file, name) {
  const args = [fileURLToPath(import.meta.url), file, name];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", 2, 2] });
  // Whoever waits for it may have failed before.
  const stop = () => child.kill();
  process.once("exit", stop);
  const ended = new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      process.off("exit", stop);
      if (code === 0) resolve();
      else reject(new SetupError("set-up failed; its messages are above"));
    });
  });
  // Its failure is told where it is waited for, which may be later.
  ended.catch(() => {});
  return ended;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [file, name] = process.argv.slice(2);
  const steps = await import(new URL(path.basename(file), import.meta.url).href);
  try {
    steps[name]();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}
