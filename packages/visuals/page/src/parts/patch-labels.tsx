import { useEffect, useRef } from "preact/hooks";
import type { LivePicture, Steered } from "../../../src/explorer/live/api.js";
import type { Overlay } from "../data/image-address.js";

/** Labels that have a colour of their own beside the next, wherever they are in the list: steps of the golden angle. */
const hue = (label: number) => (label * 137.508) % 360;
const colour = (label: number) => `hsl(${hue(label)} 75% 50%)`;

interface LabelLayerProps {
  /** The label of each patch. */
  readonly labels: readonly number[];
  readonly columns: number;
}

/** What patches are, as colours over the picture. */
export function LabelLayer({ labels, columns }: LabelLayerProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const element = canvas.current!;
    element.width = columns;
    element.height = labels.length / columns;
    const context = element.getContext("2d")!;
    labels.forEach((label, i) => {
      context.fillStyle = colour(label);
      context.fillRect(i % columns, Math.floor(i / columns), 1, 1);
    });
  }, [labels, columns]);
  return <canvas class="heat labels-of-patches" ref={canvas} />;
}

interface PatchLabelsProps {
  readonly names: readonly string[];
  readonly about: LivePicture;
  readonly steered: Steered | undefined;
  readonly overlay: Overlay;
  readonly onShow: (overlay: Overlay) => void;
}

/** How many patches each label has, and how that moves with steering. */
export function PatchLabels({ names, about, steered, overlay, onShow }: PatchLabelsProps) {
  const before = steered?.patchLabels?.before ?? about.patchLabels ?? [];
  const after = steered?.patchLabels?.after;
  const count = (labels: readonly number[], label: number) => labels.filter((each) => each === label).length;
  const listed = [...new Set([...before, ...(after ?? [])])]
    .map((label) => ({ label, before: count(before, label), after: after && count(after, label) }))
    .sort((a, b) => b.before - a.before || a.label - b.label);
  const changed = after?.filter((label, i) => label !== before[i]).length;
  const shown = overlay?.of === "labels";
  return (
    <section aria-labelledby="patch-labels">
      <h2 id="patch-labels">Labels of patches</h2>
      <p class="tools">
        <button
          type="button"
          aria-pressed={shown}
          onClick={() => onShow(shown ? undefined : { of: "labels" })}
        >
          Show the labels
        </button>
        {changed !== undefined && (
          <span role="status">
            Steering changes {changed} of {before.length}
          </span>
        )}
      </p>
      <div class="wide">
        <table class="runs">
          <thead>
            <tr>
              <th scope="col">label</th>
              <th scope="col">{after ? "patches before" : "patches"}</th>
              {after && <th scope="col">after</th>}
            </tr>
          </thead>
          <tbody>
            {listed.map((row) => (
              <tr key={row.label}>
                <th scope="row">
                  <span class="chip">
                    <span class="swatch" style={{ background: colour(row.label) }} /> {names[row.label]}
                  </span>
                </th>
                <td>{row.before}</td>
                {after && <td>{row.after}</td>}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
