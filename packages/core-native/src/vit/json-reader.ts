import { SaevError } from "../errors.js";

/** A JSON object read member by member; a wrong member's error says where it is and what was expected. */
export class JsonReader {
  private constructor(
    readonly value: Readonly<Record<string, unknown>>,
    readonly what: string,
    readonly path: string,
  ) {}

  /** @throws SaevError `BAD_FILE` when `text` is no JSON object. */
  static parse(text: string, what: string): JsonReader {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw new SaevError("BAD_FILE", `${what}: ${(error as Error).message}`, { cause: error });
    }
    if (!isObject(value)) throw new SaevError("BAD_FILE", `${what}: expected a JSON object`);
    return new JsonReader(value, what, "");
  }

  has = (key: string): boolean => Object.hasOwn(this.value, key) && this.value[key] !== null;
  raw = (key: string): unknown => (Object.hasOwn(this.value, key) ? this.value[key] : undefined);

  object(key: string): JsonReader {
    return this.optional(key) ?? this.#wrong(key, "an object");
  }

  optional(key: string): JsonReader | undefined {
    if (!this.has(key)) return undefined;
    const value = this.value[key];
    if (!isObject(value)) return this.#wrong(key, "an object");
    return new JsonReader(value, this.what, this.#at(key));
  }

  integer(key: string, fallback: number): number {
    const value = this.number(key, fallback);
    return Number.isSafeInteger(value) && value > 0 ? value : this.#wrong(key, "a whole number above 0");
  }

  count(key: string, fallback: number): number {
    const value = this.number(key, fallback);
    return Number.isSafeInteger(value) && value >= 0 ? value : this.#wrong(key, "a whole number from 0");
  }

  number(key: string, fallback: number): number {
    const value = this.has(key) ? this.value[key] : fallback;
    return typeof value === "number" && Number.isFinite(value) ? value : this.#wrong(key, "a number");
  }

  /** Text that is not empty. */
  string(key: string): string {
    const value = this.raw(key);
    return typeof value === "string" && value !== "" ? value : this.#wrong(key, "text");
  }
  boolean(key: string, fallback: boolean): boolean {
    const value = this.has(key) ? this.value[key] : fallback;
    return typeof value === "boolean" ? value : this.#wrong(key, "true or false");
  }

  choice<T extends string>(key: string, choices: readonly T[], fallback: T): T {
    const value = this.has(key) ? this.value[key] : fallback;
    return choices.find((c) => c === value) ?? this.#wrong(key, choices.join(" or "));
  }

  /** One whole number for both, or [first, second]. */
  pair(key: string, fallback: number): readonly [number, number] {
    const value = this.raw(key);
    if (!Array.isArray(value)) {
      const both = this.integer(key, fallback);
      return [both, both];
    }
    const [a, b] = value;
    if (value.length === 2 && isSize(a) && isSize(b)) return [a, b];
    return this.#wrong(key, "a size or two");
  }

  triple(key: string, fallback: readonly [number, number, number]): readonly [number, number, number] {
    const value = this.has(key) ? this.value[key] : fallback;
    if (Array.isArray(value) && value.length === 3 && value.every((v) => typeof v === "number")) {
      return value as [number, number, number];
    }
    return this.#wrong(key, "three numbers");
  }

  #at = (key: string): string => (this.path ? `${this.path}.${key}` : key);

  #wrong(key: string, expected: string): never {
    const found = this.has(key) ? JSON.stringify(this.value[key])!.slice(0, 60) : "nothing";
    throw new SaevError("BAD_FILE", `${this.what}: ${this.#at(key)}: expected ${expected}, found ${found}`);
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;
