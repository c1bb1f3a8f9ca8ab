import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

/** Rows above and below those in sight that are in the document too. */
const beyond = 6;

/** The height of a list, in pixels, until it is measured: as high as the style lets it be. */
const usualHeight = () => Math.min(0.72 * innerHeight, 900);

/** A row in the document: its place, and its distance from the top of the list in pixels. */
export interface VirtualRow {
  readonly index: number;
  readonly start: number;
}

/**
 * Which rows of a long list are in sight: only those are in the document, however many there are. All are equally high, so that
 * nothing is known of a row, nothing is measured, and no layout is asked for while it scrolls.
 * @param count rows. @param rowHeight of each, in pixels.
 */
export function useVirtual(count: number, rowHeight: number) {
  const scroller = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState({ first: 0, last: Math.ceil(usualHeight() / rowHeight) });
  const height = useRef(usualHeight());
  // Stays the same function for what listens; looks at the rows of the last drawing.
  const look = useRef(() => {});
  look.current = () => {
    const top = scroller.current!.scrollTop;
    const first = Math.floor(top / rowHeight);
    const last = Math.ceil((top + height.current) / rowHeight);
    setSeen((was) => (was.first === first && was.last === last ? was : { first, last }));
  };
  useEffect(() => {
    const element = scroller.current!;
    const onScroll = () => look.current();
    element.addEventListener("scroll", onScroll, { passive: true });
    const observer = new ResizeObserver(([entry]) => {
      height.current = entry!.contentRect.height;
      look.current();
    });
    observer.observe(element);
    return () => {
      element.removeEventListener("scroll", onScroll);
      observer.disconnect();
    };
  }, []);
  // In another list, or one with other rows, others are in sight at the same place.
  const drawn = useRef([count, rowHeight]);
  useLayoutEffect(() => {
    if (drawn.current[0] === count && drawn.current[1] === rowHeight) return;
    drawn.current = [count, rowHeight];
    look.current();
  });
  const rows: VirtualRow[] = [];
  for (let index = Math.max(0, seen.first - beyond); index < Math.min(count, seen.last + beyond); index++) {
    rows.push({ index, start: index * rowHeight });
  }
  return { scroller, rows, height: count * rowHeight };
}
