import { Session } from "node:inspector";

interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}
interface Script {
  readonly url: string;
  readonly functions: readonly { readonly functionName: string; readonly ranges: readonly Range[] }[];
}

/** Which code of some files ran, by V8's own counters. Start it before the files are imported. */
export class Coverage {
  readonly #session = new Session();
  /** By file, a byte a character: 1 where a function's code is, 2 where it ran. */
  readonly #seen = new Map<string, Uint8Array>();
  #last: (readonly [Uint8Array, Uint8Array])[] = [];

  /** Ends of the URLs of what is looked at, as "images/bmp.ts". */
  files: readonly string[] = [];

  constructor() {
    this.#session.connect();
    this.#post("Profiler.enable");
    this.#post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /** Whether code ran since the last look that was not accepted yet. */
  look(): boolean {
    const { result } = this.#post("Profiler.takePreciseCoverage") as { result: Script[] };
    this.#last = [];
    let fresh = false;
    for (const script of result) {
      if (!this.files.some((file) => script.url.endsWith(file))) continue;
      const length = Math.max(...script.functions.flatMap((f) => f.ranges.map((r) => r.endOffset)));
      const now = new Uint8Array(length);
      // Functions come from the outside in, as do the ranges of each. The first is the module, which ran before.
      for (const { functionName, ranges } of script.functions) {
        if (functionName === "" && ranges[0]!.startOffset === 0) continue;
        for (const { startOffset, endOffset, count } of ranges)
          now.fill(count > 0 ? 2 : 1, startOffset, endOffset);
      }
      const seen = this.#seen.get(script.url) ?? new Uint8Array(length);
      this.#seen.set(script.url, seen);
      this.#last.push([seen, now]);
      for (let i = 0; i < length; i++) {
        if (seen[i] === 0 && now[i] === 1) seen[i] = 1;
        if (seen[i] !== 2 && now[i] === 2) fresh = true;
      }
    }
    return fresh;
  }

  /** What the last look saw is no news from now on. */
  accept(): void {
    for (const [seen, now] of this.#last) for (let i = 0; i < now.length; i++) if (now[i] === 2) seen[i] = 2;
  }

  /** The share of the files' functions that ran, by characters, in [0, 1]. */
  get share(): number {
    let code = 0;
    let ran = 0;
    for (const seen of this.#seen.values())
      for (const byte of seen) {
        code += byte >= 1 ? 1 : 0;
        ran += byte === 2 ? 1 : 0;
      }
    return code === 0 ? 0 : ran / code;
  }

  #post(method: string, params: object = {}): unknown {
    let answer: unknown;
    // Calls of this kind answer before `post` returns.
    this.#session.post(method, params, (error, result) => {
      if (error) throw error;
      answer = result;
    });
    return answer;
  }
}
