import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

/** How far above and below what is in sight rows are in the document too, in pixels. */
const beyond = 336;

/**
 * Rows come and go in groups about so high, in pixels: in most frames of scrolling the browser then only moves what is there. Larger
 * groups cost less in all, but the frame in which one comes is late: with 448 pixels every other of them.
 */
const group = 112;

/** The height of a list, in pixels, until it is measured: as high as the style lets it be. */
const usualHeight = () => Math.min(0.72 * innerHeight, 900);

/** A row in the document: its place, and its distance from the top of the list in pixels. */
export interface VirtualRow {
  readonly index: number;
  readonly start: number;
}

/** The group of rows at the top of the list, and as many as may then be in sight: both ends change together. */
function inSight(top: number, height: number, rowHeight: number) {
  const together = Math.max(1, Math.round(group / rowHeight));
  const first = together * Math.floor(top / rowHeight / together);
  return { first, last: first + Math.ceil(height / rowHeight) + together };
}

/**
 * Which rows of a long list are in sight: only those are in the document, however many there are. All are equally high, so that
 * nothing is known of a row, nothing is measured, and no layout is asked for while it scrolls.
 * @param count rows. @param rowHeight of each, in pixels.
 */
export function useVirtual(count: number, rowHeight: number) {
  const scroller = useRef<HTMLDivElement>(null);
  const height = useRef(usualHeight());
  const [seen, setSeen] = useState(() => inSight(0, height.current, rowHeight));
  // Stays the same function for what listens; looks at the rows of the last drawing.
  const look = useRef(() => {});
  look.current = () => {
    const now = inSight(scroller.current!.scrollTop, height.current, rowHeight);
    setSeen((was) => (was.first === now.first && was.last === now.last ? was : now));
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
  const more = Math.ceil(beyond / rowHeight);
  for (let index = Math.max(0, seen.first - more); index < Math.min(count, seen.last + more); index++) {
    rows.push({ index, start: index * rowHeight });
  }
  return { scroller, rows, height: count * rowHeight };
}
