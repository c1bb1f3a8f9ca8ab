import type { MapColours } from "../data/map-colours.js";
import { figure } from "./format.js";

/** What the colours of the map stand for. */
export function MapLegend({
  name,
  legend,
}: {
  readonly name: string;
  readonly legend: MapColours["legend"];
}) {
  if ("names" in legend) {
    return (
      <span class="legend">
        {legend.names.map(([each, colour]) => (
          <span key={each} class="chip">
            <span class="swatch" style={{ background: colour }} />
            {each}
          </span>
        ))}
      </span>
    );
  }
  const { lo, hi, steps } = legend;
  if (!(lo <= hi)) return <span class="legend soft">no latent here has a {name}</span>;
  const stops = [0, 0.25, 0.5, 0.75, 1].map((at) => steps[Math.round(at * (steps.length - 1))]);
  return (
    <span class="legend">
      {figure(lo)}
      <span class="scale" style={{ background: `linear-gradient(90deg, ${stops.join(", ")})` }} />
      {figure(hi)}
    </span>
  );
}
