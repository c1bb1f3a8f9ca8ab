import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { SaevError } from "../errors.js";

/**
 * metrics.jsonl: a line of JSON each. A line that the disk refuses is kept and tried again with the next, so that a full disk
 * that is cleared costs nothing; half a line never stays.
 */
export class MetricsFile {
  readonly #file: number;
  /** Bytes that are whole lines. */
  #size: number;
  #waiting: Buffer[] = [];

  private constructor(
    readonly path: string,
    file: number,
    size: number,
  ) {
    this.#file = file;
    this.#size = size;
  }

  /**
   * @param keep bytes of what is there that are kept, when it holds so many; without it all whole lines are.
   * @throws SaevError `IO`.
   */
  static open(path: string, keep?: number): MetricsFile {
    try {
      const file = openSync(path, "a+");
      const there = fstatSync(file).size;
      const size = Math.min(keep ?? there, there);
      if (size < there) ftruncateSync(file, size);
      return new MetricsFile(path, file, size);
    } catch (cause) {
      throw failure(path, cause);
    }
  }

  /** Appends a line. @throws SaevError `IO`; the line is tried again with the next. */
  add(value: object): void {
    this.#waiting.push(Buffer.from(`${JSON.stringify(value)}\n`));
    this.#flush();
  }

  /** Brings all lines to the disk. @returns the bytes they are. @throws SaevError `IO`. */
  sync(): number {
    this.#flush();
    try {
      fsyncSync(this.#file);
    } catch (cause) {
      throw failure(this.path, cause);
    }
    return this.#size;
  }

  close(): void {
    closeSync(this.#file);
  }

  #flush(): void {
    const lines = this.#waiting;
    while (lines.length > 0) {
      const line = lines[0] as Buffer;
      try {
        for (let at = 0; at < line.length; ) at += writeSync(this.#file, line, at);
      } catch (cause) {
        ftruncateSync(this.#file, this.#size);
        throw failure(this.path, cause);
      }
      this.#size += line.length;
      lines.shift();
    }
  }
}

const failure = (path: string, cause: unknown): SaevError =>
  new SaevError("IO", `cannot write ${path}: ${(cause as Error).message}`, { cause });
