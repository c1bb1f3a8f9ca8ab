import { type Metadata, refusals, Visuals } from "@saev/config";
import { SaevError } from "@saev/core";

/** In words, which rows a ranking needs. */
const needs = {
  cls: { patches: "cls", why: "ranks images by their CLS token" },
  img: { patches: "patches", why: "sums over the patches of an image" },
  patch: { patches: "patches", why: "looks for the largest patch of an image" },
} as const;

/**
 * Everything in a config that cannot work, told at once, before anything is read or written.
 * @throws SaevError `INVALID_ARGUMENT`, or `UNSUPPORTED` for what this version does not build.
 */
export function checkVisuals(cfg: Visuals, metadata: Metadata, legacy: boolean): void {
  const refused = refusals(Visuals, cfg).map((issue) => issue.message);
  if (refused.length > 0) throw new SaevError("UNSUPPORTED", refused.join("; "));
  const problems: string[] = [];
  const { patches, layer } = cfg.data;
  if (legacy) {
    if (cfg.highlight_style !== "overlay" || cfg.contact_sheet)
      problems.push("the Python package has no highlight_style and no contact_sheet");
    // There, "img" meant CLS rows, and "cls" raised.
    const wanted = { cls: undefined, img: "cls", patch: "patches" }[cfg.sort_by];
    if (wanted === undefined) problems.push('sort_by = "cls" has no tables in the Python package');
    else if (patches !== wanted) {
      problems.push(
        `the Python package's sort_by = "${cfg.sort_by}" takes data.patches = "${wanted}", found "${patches}"`,
      );
    }
  } else {
    const need = needs[cfg.sort_by];
    if (patches !== need.patches) {
      problems.push(
        `sort_by = "${cfg.sort_by}" ${need.why} and needs data.patches = "${need.patches}", found "${patches}"`,
      );
    }
  }
  if (layer === "all") {
    problems.push(
      'data.layer = "all" gives every patch several activations; choose one layer, or "meanpool"',
    );
  }
  if (patches === "cls" && !metadata.cls_token) {
    problems.push(
      `${cfg.data.shard_root} has no CLS tokens (cls_token = false); use data.patches = "patches"`,
    );
  }
  for (const name of ["log_freq_range", "log_value_range"] as const) {
    const [lo, hi] = cfg[name];
    if (!(lo < hi)) problems.push(`${name}: expected the lower end first, found ${lo} and ${hi}`);
  }
  if (problems.length > 0) throw new SaevError("INVALID_ARGUMENT", problems.join("; "));
}
