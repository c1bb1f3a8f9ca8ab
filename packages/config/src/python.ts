import type { Spec } from "./fields.js";

/**
 * Python's `repr` of a config dataclass, e.g. `ImageFolderDataset(root='images')`. The fields are those of the
 * class, in its order, so `config` may carry a `kind`.
 */
export function pythonReprOf(spec: Spec, config: object): string {
  const fields = Object.entries(spec.fields).map(([name, field]) => {
    const value = (config as Record<string, unknown>)[name];
    const float = field.type === "float" || field.type === "range";
    return `${name}=${pythonRepr(value, { float })}`;
  });
  return `${spec.name}(${fields.join(", ")})`;
}

/** Python's `repr` of a string, a number, a bool, None or a list of such. */
export function pythonRepr(value: unknown, options: { readonly float?: boolean } = {}): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") return stringRepr(value);
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number")
    return options.float || !Number.isInteger(value) ? floatRepr(value) : String(value);
  if (Array.isArray(value)) return `[${value.map((v) => pythonRepr(v, options)).join(", ")}]`;
  throw new TypeError(`expected a string, number, boolean, null or list of them, found ${typeof value}`);
}

/**
 * What `str.isprintable` calls unprintable: every category Other and Separator but the space. Which code points are
 * unassigned depends on the version of Unicode: characters newer than the one Python knows it escapes, and we do not.
 */
const unprintable = /[\p{C}\p{Z}]/u;
const named: Readonly<Record<string, string>> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

function stringRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let out = quote;
  for (const char of text) {
    if (char === quote) out += `\\${char}`;
    else if (named[char] !== undefined) out += named[char];
    else if (char === " " || !unprintable.test(char)) out += char;
    else out += escaped(char.codePointAt(0)!);
  }
  return out + quote;
}

function escaped(code: number): string {
  const hex = code.toString(16);
  if (code <= 0xff) return `\\x${hex.padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}

/** Python's `repr(float)`: the shortest digits that read back, as JavaScript's, laid out in Python's way. */
function floatRepr(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  const [digits, exponentText] = value.toExponential().split("e") as [string, string];
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 16) {
    const sign = exponent < 0 ? "-" : "+";
    return `${digits}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  const text = exponent < 0 ? value.toFixed(digits.replace(/^-?\d\.?/, "").length - exponent) : String(value);
  return text.includes(".") ? text : `${text}.0`;
}

/** How `pythonJson` lays text out; the defaults are those of `json.dumps`. */
export interface PythonJsonOptions {
  /** Spaces per level; without it everything is on one line, with ", " and ": " between. */
  readonly indent?: number;
  /** Whether keys are sorted by code point, as `sort_keys=True` does. */
  readonly sortKeys?: boolean;
  /** Says which whole numbers are floats in Python and so written "1.0"; path is dotted, list indices included. */
  readonly isFloat?: (path: string) => boolean;
}

/**
 * The text that Python's `json.dumps` makes of a value: its separators, its numbers, non-ASCII escaped as \uXXXX
 * (surrogate pairs above the BMP), NaN and Infinity as it spells them.
 */
export function pythonJson(value: unknown, options: PythonJsonOptions = {}): string {
  return jsonText(value, options, "", "");
}

function jsonText(value: unknown, options: PythonJsonOptions, path: string, margin: string): string {
  if (value === null || value === undefined) return "null";
  if (typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (typeof value === "string") return jsonString(value);
  if (typeof value === "number") return jsonNumber(value, options.isFloat?.(path) ?? false);
  if (typeof value !== "object") throw new TypeError(`expected a JSON value, found ${typeof value}`);
  const inner = options.indent === undefined ? "" : margin + " ".repeat(options.indent);
  const at = (key: string | number): string => (path === "" ? String(key) : `${path}.${key}`);
  if (Array.isArray(value)) {
    const items = value.map((item, i) => jsonText(item, options, at(i), inner));
    return bracketed("[", items, "]", options, margin, inner);
  }
  const entries = Object.entries(value);
  if (options.sortKeys) entries.sort(([a], [b]) => byCodePoint(a, b));
  const items = entries.map(([k, v]) => `${jsonString(k)}: ${jsonText(v, options, at(k), inner)}`);
  return bracketed("{", items, "}", options, margin, inner);
}

function bracketed(
  open: string,
  items: readonly string[],
  close: string,
  options: PythonJsonOptions,
  margin: string,
  inner: string,
): string {
  if (items.length === 0) return open + close;
  if (options.indent === undefined) return open + items.join(", ") + close;
  return `${open}\n${inner}${items.join(`,\n${inner}`)}\n${margin}${close}`;
}

function jsonNumber(value: number, float: boolean): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  return float || !Number.isInteger(value) ? floatRepr(value) : BigInt(value).toString();
}

/** Up to "~" JSON.stringify escapes what Python does; all that follows Python escapes too. */
function jsonString(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Python compares strings by code point, JavaScript by UTF-16 unit. */
function byCodePoint(a: string, b: string): number {
  const left = Array.from(a, (c) => c.codePointAt(0)!);
  const right = Array.from(b, (c) => c.codePointAt(0)!);
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (left[i] !== right[i]) return left[i]! - right[i]!;
  }
  return left.length - right.length;
}
