import { palettes } from "../data/heat.js";
import { change, settings } from "../data/settings.js";

/** How heat maps look, on every page; `several`: whether there are some that may share a scale. */
export function HeatControls({ several = true }: { readonly several?: boolean }) {
  const { heat, opacity, palette, shared } = settings.value;
  return (
    <fieldset class="actions" aria-label="Heat maps">
      <button type="button" aria-pressed={heat} onClick={() => change({ heat: !heat })}>
        Heat map
      </button>
      <label>
        Opacity{" "}
        <input
          type="range"
          min="0.1"
          max="1"
          step="0.05"
          value={opacity}
          onInput={(event) => change({ opacity: event.currentTarget.valueAsNumber })}
        />
      </label>
      <label>
        Colours{" "}
        <select value={palette} onChange={(event) => change({ palette: event.currentTarget.value })}>
          {Object.keys(palettes).map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      {several && (
        <label class="chip">
          <input
            type="checkbox"
            checked={shared}
            onChange={(event) => change({ shared: event.currentTarget.checked })}
          />
          one scale for all images
        </label>
      )}
    </fieldset>
  );
}
