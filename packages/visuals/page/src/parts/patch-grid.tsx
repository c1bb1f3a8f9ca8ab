import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { Link } from "wouter-preact";
import type { LatentImage } from "../../../src/explorer/api.js";
import { ViewContext } from "../data/view-context.js";
import { figure } from "./format.js";
import { Picture } from "./picture.js";
import { Heat } from "./top-images.js";

interface PatchGridProps {
  readonly image: LatentImage;
  readonly values: Float32Array;
  readonly upper: number;
  readonly onClose: () => void;
}

/** One image, large, with the value of the patch under the pointer or the cursor keys. */
export function PatchGrid({ image, values, upper, onClose }: PatchGridProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const { source, view } = useContext(ViewContext);
  const side = Math.floor(Math.sqrt(values.length));
  const [patch, setPatch] = useState(image.topPatch ?? 0);
  useEffect(() => dialog.current!.showModal(), []);
  const move = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -side, ArrowDown: side }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    setPatch((at) => (at + step >= 0 && at + step < values.length ? at + step : at));
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
        {source.live && (
          <Link href={`/views/${view.id}/image?image=d${image.image}`}>All latents of this image</Link>
        )}
      </form>
    </dialog>
  );
}
