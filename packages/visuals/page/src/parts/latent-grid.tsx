import { useLayoutEffect, useState } from "preact/hooks";
import { Link } from "wouter-preact";
import { wordsOf } from "../data/names.js";
import type { ViewData } from "../pages/view.js";
import { Picture } from "./picture.js";
import { PowerOfTen } from "./power-of-ten.js";
import { useVirtual } from "./use-virtual.js";

/** Width that a card should have at least, and what it has below its picture, in pixels. */
const leastWidth = 150;
const textHeight = 58;
const gap = 12;

/** Around all cards, in pixels. */
const edge = 12;

/** Latents a card each, with their best image. */
export function LatentGrid({ data, chosen }: { readonly data: ViewData; readonly chosen: Uint32Array }) {
  const { view, columns } = data;
  const notes = data.notes.value;
  const [width, setWidth] = useState(900);
  const perRow = Math.max(2, Math.floor((width + gap) / (leastWidth + gap)));
  const side = Math.floor((width - gap * (perRow - 1)) / perRow);
  const { scroller, rows, height } = useVirtual(Math.ceil(chosen.length / perRow), side + textHeight + gap);
  useLayoutEffect(() => {
    const element = scroller.current!;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth - 2 * edge));
    observer.observe(element);
    return () => observer.disconnect();
  }, [scroller]);
  const inSight = rows.flatMap(({ index, start }) =>
    Array.from(chosen.subarray(index * perRow, (index + 1) * perRow), (latent, column) => ({
      latent,
      position: index * perRow + column + 1,
      place: `translate(${edge + column * (side + gap)}px, ${edge + start}px)`,
    })),
  );
  return (
    <div class="scroller" ref={scroller}>
      <ul class="cards" aria-label="Latents" style={{ height: `${height + edge}px` }}>
        {inSight.map(({ latent, position, place }) => (
          <li
            key={latent}
            aria-setsize={chosen.length}
            aria-posinset={position}
            style={{ transform: place, width: `${side}px` }}
          >
            <Link href={`/views/${view.id}/latents/${latent}`} class="card">
              <Picture image={columns.best[latent]!} size={side} alt="" eager />
              <span class="name">
                {notes[latent]?.name || wordsOf(data.names.value, latent)[0] || `Latent ${latent}`}
              </span>
              <span class="soft">
                {notes[latent]?.name || wordsOf(data.names.value, latent).length > 0 ? `${latent} · ` : ""}
                <PowerOfTen value={columns.frequency[latent]!} />
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </div>
  );
}
