import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
  type VirtualizerOptions,
} from "@tanstack/virtual-core";
import { useLayoutEffect, useReducer, useRef } from "preact/hooks";

/**
 * Which rows of a long list are in sight: only those are in the document, however many there are.
 * @param count rows. @param rowHeight of each, in pixels.
 */
export function useVirtual(count: number, rowHeight: number) {
  const scroller = useRef<HTMLDivElement>(null);
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const options: VirtualizerOptions<HTMLDivElement, Element> = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 6,
    // As high as a list is at most: its first rows are drawn with it, and not after it was measured.
    initialRect: { width: 0, height: Math.min(0.72 * innerHeight, 900) },
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    onChange: () => redraw(0),
  };
  const made = useRef<Virtualizer<HTMLDivElement, Element> | undefined>(undefined);
  made.current ??= new Virtualizer(options);
  const virtualizer = made.current;
  virtualizer.setOptions(options);
  useLayoutEffect(() => virtualizer._didMount(), [virtualizer]);
  useLayoutEffect(() => virtualizer._willUpdate());
  // Sizes are cached by row: another height is another list.
  useLayoutEffect(() => virtualizer.measure(), [virtualizer, rowHeight]);
  return {
    scroller,
    rows: virtualizer.getVirtualItems(),
    height: virtualizer.getTotalSize(),
    /** Brings a row into sight. */
    show: (row: number) => virtualizer.scrollToIndex(row),
  };
}
