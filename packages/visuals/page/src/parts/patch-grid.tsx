import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { Link } from "wouter-preact";
import type { LatentImage } from "../../../src/explorer/api.js";
import { ViewContext } from "../data/view-context.js";
import { figure } from "./format.js";
import { Picture } from "./picture.js";
import { Heat } from "./top-images.js";

/** Two digits, as a small square has room for. */
const short = (x: number) => (Math.abs(x) >= 100 ? x.toFixed(0) : String(Number(x.toPrecision(2))));

interface PatchGridProps {
  readonly image: LatentImage;
  readonly values: Float32Array;
  readonly upper: number;
  readonly onClose: () => void;
}

/** One image, large, with the value of each patch, and of the one under the pointer or the cursor keys in words. */
export function PatchGrid({ image, values, upper, onClose }: PatchGridProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const { source, view } = useContext(ViewContext);
  const side = Math.floor(Math.sqrt(values.length));
  const [patch, setPatch] = useState(image.topPatch ?? 0);
  const [numbers, setNumbers] = useState(true);
  useEffect(() => dialog.current!.showModal(), []);
  const move = (event: KeyboardEvent) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const inside = (x: number) => Math.max(0, Math.min(side - 1, x));
    setPatch((at) => inside(Math.floor(at / side) + step[1]!) * side + inside((at % side) + step[0]!));
  };
  return (
    <dialog ref={dialog} onClose={onClose} onKeyDown={move} aria-label={image.name || `image ${image.image}`}>
      <div class="layers large">
        <Picture image={image.image} size={448} alt={image.name} />
        {values.length > 1 && <Heat values={values} upper={upper} />}
        {values.length > 1 && (
          <div
            class="grid-layer"
            style={{ "--side": side }}
            onPointerMove={(event) => {
              const { left, top, width, height } = event.currentTarget.getBoundingClientRect();
              const at = (x: number, size: number) =>
                Math.max(0, Math.min(side - 1, Math.floor((x / size) * side)));
              setPatch(at(event.clientY - top, height) * side + at(event.clientX - left, width));
            }}
          >
            {numbers &&
              Array.from(values.subarray(0, side * side), (value, i) => (
                <span
                  key={i}
                  class="value"
                  aria-hidden="true"
                  style={{ "--column": i % side, "--row": Math.floor(i / side) }}
                >
                  {value === 0 ? "" : short(value)}
                </span>
              ))}
            <span class="cell" style={{ "--column": patch % side, "--row": Math.floor(patch / side) }} />
          </div>
        )}
      </div>
      <p role="status" aria-live="polite">
        {values.length > 1
          ? `Patch ${patch}, row ${Math.floor(patch / side)}, column ${patch % side}: ${figure(values[patch])}`
          : figure(image.score)}
      </p>
      <p class="soft">
        {[image.label, image.name].filter(Boolean).join(" · ")} (image {image.image})
      </p>
      <form method="dialog" class="tools">
        <button type="submit">Close</button>
        {values.length > 1 && (
          <button type="button" aria-pressed={numbers} onClick={() => setNumbers(!numbers)}>
            Values
          </button>
        )}
        {source.live && (
          <Link href={`/views/${view.id}/image?image=d${image.image}`}>All latents of this image</Link>
        )}
      </form>
    </dialog>
  );
}
