import { useEffect, useRef, useState } from "preact/hooks";
import type { LatentImage } from "../../../src/explorer/api.js";
import { drawHeat } from "../data/heat.js";
import { settings } from "../data/settings.js";
import { figure } from "./format.js";
import { PatchGrid } from "./patch-grid.js";
import { Picture } from "./picture.js";

interface TopImagesProps {
  readonly images: readonly LatentImage[];
  /** float32 `[images, patches]`. */
  readonly maps: Float32Array;
  readonly patches: number;
  /** Value at which the shared scale ends. */
  readonly upper: number;
  /** What else is said of each. */
  readonly note?: (i: number) => string;
}

/** Images of a latent with their heat maps; a click opens one with the value of each patch. */
export function TopImages({ images, maps, patches, upper, note }: TopImagesProps) {
  const [open, setOpen] = useState<number>();
  const shown = useGrowing(images);
  if (images.length === 0) return <p class="soft">It fires in no image.</p>;
  const mapOf = (i: number) => maps.subarray(i * patches, (i + 1) * patches);
  const upperOf = (i: number) =>
    settings.value.shared ? upper : mapOf(i).reduce((a, b) => Math.max(a, b), 0);
  return (
    <>
      <ul class="images">
        {images.slice(0, shown).map((image, i) => (
          <li key={image.image}>
            <button type="button" class="plain" onClick={() => setOpen(i)}>
              <span class="layers">
                <Picture image={image.image} size={200} alt={image.name || `image ${image.image}`} />
                {patches > 1 && <Heat values={mapOf(i)} upper={upperOf(i)} />}
              </span>
              <span class="caption">
                <b>{figure(image.score)}</b> {image.label}
              </span>
              {note && <span class="caption soft">{note(i)}</span>}
              <span class="caption soft">{image.name}</span>
            </button>
          </li>
        ))}
      </ul>
      {open !== undefined && (
        <PatchGrid
          image={images[open]!}
          values={mapOf(open)}
          upper={upperOf(open)}
          onClose={() => setOpen(undefined)}
        />
      )}
    </>
  );
}

/** Images that are drawn at once, as many as a screen has; and how many more at a time. */
const atOnce = 24;

/** How many of a list to draw: at first those in sight, then more whenever the browser has nothing else to do, until all are there. */
function useGrowing(list: readonly unknown[]): number {
  const [grown, setGrown] = useState({ list, shown: atOnce });
  const shown = grown.list === list ? grown.shown : atOnce;
  useEffect(() => {
    if (shown >= list.length) return;
    const next = () => setGrown({ list, shown: shown + atOnce });
    // Safari has none of it.
    if (typeof requestIdleCallback === "undefined") {
      const timer = setTimeout(next, 50);
      return () => clearTimeout(timer);
    }
    const idle = requestIdleCallback(next, { timeout: 500 });
    return () => cancelIdleCallback(idle);
  }, [list, shown]);
  return shown;
}

interface HeatProps {
  readonly values: Float32Array;
  readonly upper: number;
  /** Of the grid; default: as many as rows. */
  readonly columns?: number | undefined;
}

/** A heat map over what lies under it. */
export function Heat({ values, upper, columns }: HeatProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { palette } = settings.value;
  useEffect(
    () => drawHeat(canvas.current!, values, upper, palette, columns),
    [...[values, upper, palette, columns]],
  );
  return <canvas class="heat" ref={canvas} />;
}
