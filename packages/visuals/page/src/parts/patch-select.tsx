import { useEffect, useRef, useState } from "preact/hooks";

interface PatchSelectProps {
  readonly rows: number;
  readonly columns: number;
  /** Selected patches, ascending. */
  readonly selected: readonly number[];
  readonly onSelect: (patches: readonly number[]) => void;
}

/** Patches between two, as a rectangle of the grid. */
function rectangle(a: number, b: number, columns: number): number[] {
  const [top, bottom] = [Math.floor(a / columns), Math.floor(b / columns)].sort((x, y) => x - y);
  const [left, right] = [a % columns, b % columns].sort((x, y) => x - y);
  const out: number[] = [];
  for (let r = top!; r <= bottom!; r++) for (let c = left!; c <= right!; c++) out.push(r * columns + c);
  return out;
}

/**
 * The grid of patches over a picture. Mouse: a click takes one, a drag a rectangle, with Ctrl or Shift they add to the others.
 * Keys: arrows move, Shift and arrows take a rectangle, Space takes or leaves one, Ctrl-A takes all, Escape none.
 */
export function PatchSelect({ rows, columns, selected, onSelect }: PatchSelectProps) {
  const grid = useRef<HTMLFieldSetElement>(null);
  const [cursor, setCursor] = useState(0);
  const anchor = useRef(0);
  const before = useRef<readonly number[] | undefined>(undefined);
  const chosen = new Set(selected);
  const n = rows * columns;
  const at = Math.min(cursor, n - 1);
  const join = (patches: readonly number[]) =>
    onSelect([...new Set([...(before.current ?? []), ...patches])].sort((a, b) => a - b));
  const toggle = (patch: number) =>
    onSelect(
      chosen.has(patch) ? selected.filter((p) => p !== patch) : [...selected, patch].sort((a, b) => a - b),
    );
  const focus = (patch: number) => {
    setCursor(patch);
    grid.current?.querySelector<HTMLElement>(`[data-patch="${patch}"]`)?.focus({ preventScroll: true });
  };
  const patchAt = (event: PointerEvent) => {
    const { left, top, width, height } = grid.current!.getBoundingClientRect();
    const within = (x: number, size: number, count: number) =>
      Math.max(0, Math.min(count - 1, Math.floor((x / size) * count)));
    return within(event.clientY - top, height, rows) * columns + within(event.clientX - left, width, columns);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (step !== undefined) {
      const edge = Math.abs(step) === 1 && Math.floor((at + step) / columns) !== Math.floor(at / columns);
      const to = at + step;
      if (edge || to < 0 || to >= n) {
        event.preventDefault();
        return;
      }
      if (event.shiftKey) onSelect(rectangle(anchor.current, to, columns));
      else anchor.current = to;
      focus(to);
    } else if (event.key === "a" && (event.ctrlKey || event.metaKey)) {
      onSelect(Array.from({ length: n }, (_, i) => i));
    } else if (event.key === "Escape" && selected.length > 0) {
      onSelect([]);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  useEffect(() => {
    const end = () => {
      before.current = undefined;
    };
    addEventListener("pointerup", end);
    addEventListener("pointercancel", end);
    return () => {
      removeEventListener("pointerup", end);
      removeEventListener("pointercancel", end);
    };
  }, []);
  return (
    <fieldset
      ref={grid}
      class="patches"
      aria-label="Patches of the picture"
      style={{ "--columns": columns, "--rows": rows }}
      onKeyDown={onKeyDown}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.preventDefault();
        const patch = patchAt(event);
        anchor.current = patch;
        focus(patch);
        const more = event.ctrlKey || event.metaKey || event.shiftKey;
        before.current = more ? selected.filter((p) => p !== patch) : [];
        // A second click on the only one takes it back, as one with Ctrl does.
        if (chosen.has(patch) && (more || selected.length === 1)) onSelect(before.current);
        else join([patch]);
      }}
      onPointerMove={(event) => {
        if (!before.current) return;
        const patch = patchAt(event);
        if (patch === at) return;
        setCursor(patch);
        join(rectangle(anchor.current, patch, columns));
      }}
    >
      {Array.from({ length: n }, (_, patch) => (
        <button
          key={patch}
          type="button"
          class="patch"
          data-patch={patch}
          tabIndex={patch === at ? 0 : -1}
          aria-pressed={chosen.has(patch)}
          aria-label={`row ${Math.floor(patch / columns)}, column ${patch % columns}`}
          onClick={(event) => {
            // Of a key or a screen reader; the pointer's work is done when it goes down.
            if (event.detail !== 0) return;
            anchor.current = patch;
            setCursor(patch);
            toggle(patch);
          }}
        />
      ))}
    </fieldset>
  );
}
