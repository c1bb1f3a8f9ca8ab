import type { Range } from "../data/filter.js";

interface RangeInputsProps {
  readonly name: string;
  readonly range: Range | undefined;
  readonly onRange: (range: Range | undefined) => void;
}

/** Two numbers: the way to a range without dragging. An empty one is open. */
export function RangeInputs({ name, range, onRange }: RangeInputsProps) {
  const input = (end: 0 | 1, words: string) => {
    const value = range?.[end];
    return (
      <input
        type="number"
        step="any"
        aria-label={`${name}, ${words}`}
        value={value !== undefined && Number.isFinite(value) ? Number(value.toPrecision(4)) : ""}
        onChange={(event) => {
          const typed = event.currentTarget.value === "" ? undefined : event.currentTarget.valueAsNumber;
          const open = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const;
          const next = [range?.[0] ?? open[0], range?.[1] ?? open[1]] as [number, number];
          next[end] = typed ?? open[end];
          onRange(next[0] === open[0] && next[1] === open[1] ? undefined : next);
        }}
      />
    );
  };
  return (
    <span class="range">
      {name} {input(0, "from")} to {input(1, "to")}
    </span>
  );
}
