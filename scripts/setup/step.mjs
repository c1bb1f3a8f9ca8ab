// One set-up step: says what it does, runs it, says how long it took. What is already there is not done again.
import { spawnSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/** A problem that the person at the keyboard can mend: printed without a stack. */
export class SetupError extends Error {}

/** Progress goes to standard error: standard output belongs to the command that was asked for. */
export const say = (line) => process.stderr.write(`${line}\n`);

export const seconds = (started) => `${((performance.now() - started) / 1000).toFixed(1)} s`;

/** Runs a command with its output on standard error; throws SetupError when it fails. */
export function run(command, args, { cwd = root, env = process.env, what = command } = {}) {
  const { status, error, signal } = spawnSync(command, args, { cwd, env, stdio: ["ignore", 2, 2] });
  if (error) throw new SetupError(`${what}: cannot run ${command}: ${error.message}`);
  if (status !== 0)
    throw new SetupError(`${what} failed (${signal ?? `exit code ${status}`}); its messages are above`);
}

/** A command's output, or undefined when it cannot run or fails. */
export function output(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    encoding: "utf8",
    timeout: 60_000,
  });
  return status === 0 ? (stdout + stderr).trim() : undefined;
}

/** `missing()` says in words why the step has to run, or nothing. */
export function step(name, { missing, make }) {
  const reason = missing();
  if (!reason) return;
  say(`set-up: ${name} (${reason})`);
  const started = performance.now();
  make();
  say(`set-up: ${name}: done in ${seconds(started)}`);
}
