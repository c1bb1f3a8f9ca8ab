import { type Dataset, datasetSpecs, Dataset as schema } from "./dataset.js";
import { pythonReprOf } from "./python.js";

/**
 * The dataset that `metadata.json` names: its `data`, as Python's `repr` writes it (`ImageFolderDataset(root='images')`).
 * @param images takes the place of where the dataset was: of its `root`, `name`, `tars`, `list` or `pattern`.
 * @returns undefined for text that is no such repr, as the Python package's present one, which is a pickle.
 */
export function datasetOfRepr(repr: string, images?: string): Dataset | undefined {
  const found = /^(\w+)\((.*)\)$/su.exec(repr);
  const spec = datasetSpecs.find(({ name }) => name === found?.[1]);
  if (found === null || spec === undefined) return undefined;
  const value: Record<string, unknown> = { kind: spec.kind };
  const field = /\s*(\w+)=('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*(?:,|$)/suy;
  const text = found[2]!;
  while (field.lastIndex < text.length) {
    const match = field.exec(text);
    if (match === null) return undefined;
    value[match[1]!] = unquoted(match[2]!);
  }
  const [place] = Object.keys(spec.fields);
  if (images !== undefined) value[place!] = images;
  const parsed = schema.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

/** What `metadata.json` says of a dataset: Python's `repr` of its config, which {@link datasetOfRepr} reads. */
export function reprOfDataset(dataset: Dataset): string {
  const spec = datasetSpecs.find(({ kind }) => kind === dataset.kind);
  if (spec === undefined) throw new TypeError(`expected a kind of dataset, found ${dataset.kind}`);
  return pythonReprOf(spec, dataset);
}

/** What a string literal of Python says. */
function unquoted(literal: string): string {
  const named: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r" };
  return literal
    .slice(1, -1)
    .replaceAll(
      /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))/gsu,
      (_, x?: string, u?: string, long?: string, char?: string) => {
        const code = x ?? u ?? long;
        if (code === undefined) return named[char!] ?? char!;
        const point = Number.parseInt(code, 16);
        return point <= 0x10ffff ? String.fromCodePoint(point) : "\ufffd";
      },
    );
}
