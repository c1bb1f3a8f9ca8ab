import { type Option, text } from "../argv/option.js";
import { UsageError } from "../errors.js";

/** How much memory a training may take. */
export const memory: Option = text(
  "memory",
  "SIZE",
  'a size such as "16GB" or "900MB"',
  "Memory that may be taken, e.g. 16GB; SAEs that do not fit together are trained in rounds. Default: nine tenths of the machine's, less what others use.",
);

const factors: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };
const binary: Readonly<Record<string, number>> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** The size in bytes; undefined where none is given. @throws UsageError for what is no size. */
export function memoryOf(command: string, options: ReadonlyMap<string, unknown>): number | undefined {
  const given = options.get(memory.path) as string | undefined;
  if (given === undefined) return undefined;
  const [, digits, unit = "", i] = /^(\d+(?:\.\d+)?) ?(?:([kmgt]?)(i?)b)?$/i.exec(given) ?? [];
  const factor = (i ? binary : factors)[unit.toLowerCase()];
  const size = Number(digits) * (factor ?? Number.NaN);
  if (size > 0) return size;
  throw new UsageError(command, [`--memory: expected ${memory.expected}, found ${JSON.stringify(given)}`]);
}
