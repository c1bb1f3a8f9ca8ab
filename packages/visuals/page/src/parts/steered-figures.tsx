import type { LiveModel, Steered } from "../../../src/explorer/live/api.js";
import type { Overlay } from "../data/image-address.js";
import { figure } from "./format.js";

interface SteeredFiguresProps {
  readonly steered: Steered;
  readonly model: LiveModel & { readonly ok: true };
  /** What the scores are of. */
  readonly classes: readonly string[] | undefined;
  readonly overlay: Overlay;
  readonly onShow: (overlay: Overlay) => void;
}

/** Classes listed, of those that are likeliest before or after. */
const nClasses = 8;

const percent = (p: number) => `${figure(100 * p)} %`;

/** What the changes do to the model's output. */
export function SteeredFigures({ steered, model, classes, overlay, onShow }: SteeredFiguresProps) {
  const { moved, output, embedding, before, after } = steered;
  const show = (of: "moved" | "output", words: string) => (
    <button
      type="button"
      aria-pressed={overlay?.of === of}
      onClick={() => onShow(overlay?.of === of ? undefined : { of })}
    >
      {words}
    </button>
  );
  const where = (values: readonly number[]) => {
    const at = values.indexOf(Math.max(...values));
    return model.reads === "cls"
      ? "CLS"
      : `row ${Math.floor(at / model.columns)}, column ${at % model.columns}`;
  };
  return (
    <div role="status" aria-live="polite">
      <dl class="numbers">
        <dt>Embedding</dt>
        <dd>
          {embedding === null ? (
            <span class="soft">this model gives none</span>
          ) : (
            <>
              cosine {embedding.toFixed(4)} <span class="soft">with the one before</span>
            </>
          )}
        </dd>
        <dt>The reconstruction changes most in</dt>
        <dd>
          {where(moved)} <span class="soft">by {percent(Math.max(...moved))} of the activation</span>
        </dd>
        <dt>The last layer changes most in</dt>
        <dd>
          {where(output)} <span class="soft">cosine {(1 - Math.max(...output)).toFixed(4)}</span>
        </dd>
      </dl>
      {model.reads === "patches" && (
        <p class="tools">
          {show("moved", "Show the reconstruction's change")}
          {show("output", "Show the last layer's change")}
        </p>
      )}
      {before && after && classes?.length === before.length && (
        <Scores names={classes} before={before} after={after} />
      )}
    </div>
  );
}

interface ScoresProps {
  readonly names: readonly string[];
  readonly before: readonly number[];
  /** With the changes made, where there are some. */
  readonly after?: readonly number[] | undefined;
}

/** The scores of the labels, and how they move. */
export function Scores({ names, before, after }: ScoresProps) {
  const listed = names
    .map((name, i) => ({ name, before: before[i]!, after: after?.[i] ?? before[i]! }))
    .sort((a, b) => Math.max(b.before, b.after) - Math.max(a.before, a.after))
    .slice(0, nClasses);
  return (
    <div class="wide">
      <table class="runs">
        <caption>Zero-shot labels</caption>
        <thead>
          <tr>
            <th scope="col">label</th>
            <th scope="col">{after ? "before" : "score"}</th>
            {after && <th scope="col">after</th>}
          </tr>
        </thead>
        <tbody>
          {listed.map((row) => (
            <tr key={row.name}>
              <th scope="row">{row.name}</th>
              <td>{percent(row.before)}</td>
              {after && <td>{percent(row.after)}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
