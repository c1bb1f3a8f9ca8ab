import { useCallback, useRef, useState } from "preact/hooks";

/** The width of an element in pixels, as it changes; 0 until it is in the document: nothing is drawn for a width that nothing has. */
export function useWidth(): readonly [number, (element: HTMLElement | null) => void] {
  const [width, setWidth] = useState(0);
  const observer = useRef<ResizeObserver | undefined>(undefined);
  const measured = useCallback((element: HTMLElement | null) => {
    observer.current?.disconnect();
    if (!element) return;
    observer.current = new ResizeObserver(([entry]) => setWidth(Math.round(entry!.contentRect.width)));
    observer.current.observe(element);
  }, []);
  return [width, measured];
}
