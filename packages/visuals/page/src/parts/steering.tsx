import { useRef } from "preact/hooks";
import { Link } from "wouter-preact";
import type { Change } from "../../../src/explorer/live/api.js";
import type { ImageState } from "../data/image-address.js";
import { wordsOf } from "../data/names.js";
import type { ViewData } from "../pages/view.js";

interface SteeringProps {
  readonly data: ViewData;
  readonly state: ImageState;
  readonly change: (part: Partial<ImageState>) => void;
  /** A latent's largest value in the picture: where the slider of "set" ends. */
  readonly largest: (latent: number) => number;
  readonly patches: boolean;
}

/** Which latents are changed, how, and where. */
export function SteeringForm({ data, state, change, largest, patches }: SteeringProps) {
  const number = useRef<HTMLInputElement>(null);
  const { changes } = state;
  const put = (next: Change) =>
    change({ changes: changes.map((one) => (one.latent === next.latent ? next : one)) });
  return (
    <>
      {changes.length > 0 && (
        <ul class="changes">
          {changes.map((one) => (
            <ChangeRow
              key={one.latent}
              data={data}
              change={one}
              top={Math.max(1, 2 * (largest(one.latent) || data.columns.max[one.latent] || 1))}
              onChange={put}
              onRemove={() => change({ changes: changes.filter(({ latent }) => latent !== one.latent) })}
            />
          ))}
        </ul>
      )}
      <form
        class="tools"
        onSubmit={(event) => {
          event.preventDefault();
          const latent = Number(number.current!.value);
          if (changes.some((one) => one.latent === latent)) return;
          change({ changes: [...changes, { latent, kind: "scale", value: 0 }] });
          number.current!.value = "";
        }}
      >
        <label>
          Another latent{" "}
          <input ref={number} type="number" min={0} max={data.view.dSae - 1} step={1} required />
        </label>
        <button type="submit">Add</button>
        {patches && (
          <label class="chip">
            <input
              type="checkbox"
              checked={state.onlySelected}
              onChange={(event) => change({ onlySelected: event.currentTarget.checked })}
            />
            in the selected patches only
          </label>
        )}
        <label class="chip">
          <input
            type="checkbox"
            checked={state.keepError}
            onChange={(event) => change({ keepError: event.currentTarget.checked })}
          />
          keep what the SAE does not explain
        </label>
      </form>
    </>
  );
}

interface ChangeRowProps {
  readonly data: ViewData;
  readonly change: Change;
  /** Where the slider of "set" ends. */
  readonly top: number;
  readonly onChange: (change: Change) => void;
  readonly onRemove: () => void;
}

function ChangeRow({ data, change, top, onChange, onRemove }: ChangeRowProps) {
  const { latent, kind, value } = change;
  const name = data.notes.value[latent]?.name || wordsOf(data.names.value, latent)[0] || `Latent ${latent}`;
  const form = kind === "set" ? "set" : value === 0 ? "suppress" : "scale";
  // Multiplying by 0 is the other choice.
  const set = (to: number) =>
    Number.isFinite(to) && (kind === "set" || to !== 0) && onChange({ ...change, value: to });
  const end = kind === "set" ? top : 10;
  return (
    <li>
      <Link href={`/views/${data.view.id}/latents/${latent}`}>{name}</Link>
      <select
        aria-label={`What is done to ${name}`}
        value={form}
        onChange={(event) => {
          const to = event.currentTarget.value;
          if (to === "suppress") onChange({ latent, kind: "scale", value: 0 });
          else if (to === "scale") onChange({ latent, kind: "scale", value: 2 });
          else onChange({ latent, kind: "set", value: Number((top / 2).toPrecision(3)) });
        }}
      >
        <option value="suppress">suppress</option>
        <option value="scale">multiply by</option>
        <option value="set">set to</option>
      </select>
      {form !== "suppress" && (
        <>
          <input
            type="range"
            aria-label={`${name}: ${form === "scale" ? "factor" : "value"}`}
            min={kind === "set" ? 0 : -end}
            max={end}
            step="any"
            value={value}
            onInput={(event) => set(Number(event.currentTarget.valueAsNumber.toPrecision(3)))}
          />
          <input
            type="number"
            aria-label={`${name}: ${form === "scale" ? "factor" : "value"} as a number`}
            step="any"
            value={value}
            onInput={(event) => set(event.currentTarget.valueAsNumber)}
          />
        </>
      )}
      <button type="button" aria-label={`Leave ${name} as it is`} onClick={onRemove}>
        ×
      </button>
    </li>
  );
}
