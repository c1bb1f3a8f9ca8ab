import { useRef, useState } from "preact/hooks";

/** A rectangle in pixels from the top left. */
export interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

interface BrushProps {
  readonly box: Box | undefined;
  /** A rectangle was dragged; a click that drags nothing gives up the one there was. */
  readonly onBox: (box: Box | undefined) => void;
}

/** Smaller than this in either direction is a click. */
const least = 4;

/** A layer on which a rectangle is dragged, with mouse, pen or finger. */
export function Brush({ box, onBox }: BrushProps) {
  const layer = useRef<HTMLDivElement>(null);
  const start = useRef<{ x: number; y: number } | undefined>(undefined);
  const [dragged, setDragged] = useState<Box>();
  const at = (event: PointerEvent) => {
    const { left, top, width, height } = layer.current!.getBoundingClientRect();
    return {
      x: Math.max(0, Math.min(width, event.clientX - left)),
      y: Math.max(0, Math.min(height, event.clientY - top)),
    };
  };
  const between = (a: { x: number; y: number }, b: { x: number; y: number }): Box => ({
    left: Math.min(a.x, b.x),
    right: Math.max(a.x, b.x),
    top: Math.min(a.y, b.y),
    bottom: Math.max(a.y, b.y),
  });
  const shown = dragged ?? box;
  return (
    <div
      class="brush"
      ref={layer}
      onPointerDown={(event) => {
        layer.current!.setPointerCapture(event.pointerId);
        start.current = at(event);
      }}
      onPointerMove={(event) => {
        if (start.current) setDragged(between(start.current, at(event)));
      }}
      onPointerUp={(event) => {
        if (!start.current) return;
        const made = between(start.current, at(event));
        start.current = undefined;
        setDragged(undefined);
        onBox(made.right - made.left < least || made.bottom - made.top < least ? undefined : made);
      }}
      onPointerCancel={() => {
        start.current = undefined;
        setDragged(undefined);
      }}
    >
      {shown && (
        <div
          class="box"
          style={{
            left: `${shown.left}px`,
            top: `${shown.top}px`,
            width: `${shown.right - shown.left}px`,
            height: `${shown.bottom - shown.top}px`,
          }}
        />
      )}
    </div>
  );
}
