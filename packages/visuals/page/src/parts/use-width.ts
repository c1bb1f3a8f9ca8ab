import { useCallback, useRef, useState } from "preact/hooks";

/** The width of an element in pixels, as it changes. @param usual until it is in the document. */
export function useWidth(usual: number): readonly [number, (element: HTMLElement | null) => void] {
  const [width, setWidth] = useState(usual);
  const observer = useRef<ResizeObserver | undefined>(undefined);
  const measured = useCallback((element: HTMLElement | null) => {
    observer.current?.disconnect();
    if (!element) return;
    observer.current = new ResizeObserver(([entry]) => setWidth(Math.round(entry!.contentRect.width)));
    observer.current.observe(element);
  }, []);
  return [width, measured];
}
