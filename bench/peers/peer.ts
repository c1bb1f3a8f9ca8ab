import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";

/** A Python program of this folder that answers one line for each line it is given. */
export class Peer implements Disposable {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor(script: string, args: readonly string[]) {
    const python = process.env.SAEV_PYTHON ?? "python3";
    this.#child = spawn(python, ["-W", "ignore", path.join(import.meta.dirname, script), ...args], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#answers = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  /** @throws Error when the program ends instead of answering. */
  async ask(question: string): Promise<string> {
    this.#child.stdin!.write(`${question}\n`);
    const answer = await this.#answers.next();
    if (answer.done)
      throw new Error(`the peer ended (exit code ${this.#child.exitCode}); is SAEV_PYTHON set?`);
    return answer.value;
  }

  [Symbol.dispose](): void {
    this.#child.kill();
  }
}
