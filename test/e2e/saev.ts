/** Runs the real `saev` command, compiled, in a process of its own: with pipes, or on a pseudo-terminal. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import path from "node:path";

export const root = path.resolve(import.meta.dirname, "../..");
export const binary = path.join(root, "packages/cli/bin/saev.js");

/** Compiles what is out of date. With nothing to do it takes a second; `npm test` has done it. */
export function compile(): void {
  if (process.env.SAEV_COMPILED === "1") return;
  execFileSync(process.execPath, [path.join(root, "node_modules/typescript/bin/tsc"), "-b"], { cwd: root });
}

export interface Ended {
  /** Exit code, or 128 + the signal's number as shells show it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Given the process at its start, e.g. to send it a signal. */
  readonly started?: (child: ChildProcess) => void;
}

/** Runs `saev` with pipes for output and no input. */
export function saev(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return collect(
    spawn(process.execPath, [binary, ...args], { ...common(options), stdio: ["ignore", "pipe", "pipe"] }),
    options,
  );
}

let busy = false;

/**
 * What `saev` does with its words, in this process and from source: for what does not depend on a process of its own, whose start
 * takes longer than most of what tests ask of it. One command at a time: its folder and its variables are the process's.
 */
export async function saevHere(
  args: readonly string[],
  { cwd = root, env = {} }: Pick<RunOptions, "cwd" | "env"> = {},
): Promise<Ended> {
  if (busy) throw new Error("saevHere runs one command at a time");
  busy = true;
  const before = { cwd: process.cwd(), env: { ...process.env } };
  let stdout = "";
  let stderr = "";
  try {
    process.chdir(cwd);
    setVariables(common({ env }).env);
    const { main } = await import("@saev/cli");
    const code = await main(args, {
      stdout: { write: (text) => (stdout += text) },
      stderr: { write: (text) => (stderr += text) },
      env: process.env,
    });
    return { code, stdout, stderr };
  } finally {
    process.chdir(before.cwd);
    setVariables(before.env);
    busy = false;
  }
}

function setVariables(env: Readonly<Record<string, string | undefined>>): void {
  for (const name of Object.keys(process.env)) if (env[name] === undefined) delete process.env[name];
  for (const [name, value] of Object.entries(env)) if (value !== undefined) process.env[name] = value;
}

export interface TerminalOptions extends RunOptions {
  readonly columns?: number;
  /** Called with everything seen so far after each piece of output; `type` writes to the terminal as a keyboard does. */
  readonly onOutput?: (seen: string, type: (keys: string) => void) => void;
}

/** Runs `saev` on a pseudo-terminal; `stdout` holds all that the terminal showed. */
export function saevOnTerminal(args: readonly string[], options: TerminalOptions = {}): Promise<Ended> {
  const { columns = 100, onOutput } = options;
  const program = path.join(import.meta.dirname, "terminal.py");
  const command = [program, String(columns), process.execPath, binary, ...args];
  const child = spawn(process.env.SAEV_PYTHON ?? "python3", command, {
    ...common(options),
    stdio: ["pipe", "pipe", "pipe"],
  });
  let seen = "";
  child.stdout.on("data", (piece: Buffer) => {
    seen += piece.toString();
    onOutput?.(seen, (keys) => child.stdin.write(keys));
  });
  return collect(child, options);
}

const common = ({ cwd = root, env = {} }: RunOptions) => ({
  cwd,
  env: { ...process.env, NO_COLOR: undefined, FORCE_COLOR: undefined, TERM: "xterm", ...env },
});

function collect(child: ChildProcess, options: RunOptions): Promise<Ended> {
  options.started?.(child);
  let stdout = "";
  let stderr = "";
  child.stdout!.on("data", (piece: Buffer) => {
    stdout += piece.toString();
  });
  child.stderr!.on("data", (piece: Buffer) => {
    stderr += piece.toString();
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) =>
      resolve({ code: code ?? (signal === "SIGINT" ? 130 : 137), stdout, stderr }),
    );
  });
}
