import type { EvaluationReport, ReportedProbes, ReportedSae } from "@saev/config";
import { amount, count, figure, table } from "../text.js";

/** Classes listed of each SAE's probes. */
const listed = 10;

const orNaN = (x: number | null | undefined): number => x ?? Number.NaN;

/** A report as the terminal shows it: a table of all SAEs, then what each has beside. */
export function reportText({ saes }: EvaluationReport): string {
  const rows = saes.map((sae) => [
    sae.ckpt,
    String(sae.layer),
    ...["l0", "l1", "mse", "normalized_mse", "explained_variance", "cosine", "l2_ratio"].map((name) =>
      orNaN(sae.figures[name]),
    ),
    ...["n_dead", "n_almost_dead", "n_dense"].map((name) => orNaN(sae.figures[name])),
  ]);
  const head = [
    "SAE",
    "layer",
    "L0",
    "L1",
    "MSE",
    "norm. MSE",
    "expl. var.",
    "cosine",
    "L2 ratio",
    "dead",
    "almost dead",
    "dense",
  ];
  return `${table(head, rows)}\n${saes.map((sae) => more(sae, saes.length > 1)).join("")}`;
}

function more(sae: ReportedSae, several: boolean): string {
  const parts = [
    densityText(sae),
    dictionaryText(sae),
    prefixText(sae),
    fidelityText(sae),
    probeText(sae.image_probes, "images", "image"),
    probeText(sae.patch_probes, "patches", "patch"),
  ].filter((part) => part !== "");
  return `${several ? `${sae.ckpt}\n` : ""}${parts.join("\n")}\n`;
}

function densityText({ d_sae, figures }: ReportedSae): string {
  const one = orNaN(figures.n_over_1_percent);
  const ten = orNaN(figures.n_over_10_percent);
  return `${count(one)} of ${count(d_sae)} latents fire on more than 1 % of the activations, ${count(ten)} on more than 10 %\n`;
}

function dictionaryText({ dictionary: d }: ReportedSae): string {
  if (d === null) return "";
  return `nearest other direction (cosine): encoder ${figure(d.mean_max_encoder_cosine)} in the mean, ${figure(d.max_encoder_cosine)} at most; decoder ${figure(d.mean_max_decoder_cosine)}, ${figure(d.max_decoder_cosine)}; coherence ${figure(d.coherence)}\n`;
}

function prefixText({ prefixes }: ReportedSae): string {
  if (prefixes.length === 0) return "";
  return table(
    ["first latents", "MSE", "expl. var."],
    prefixes.map((p) => [p.length, p.mse, p.explained_variance]),
  );
}

function fidelityText({ fidelity: f }: ReportedSae): string {
  if (f === null) return "";
  const zeroShot = f.reconstruction.same_class !== null;
  const rows = (
    [
      ["reconstruction", f.reconstruction],
      ["mean activation", f.mean],
      ["zero", f.zero],
    ] as const
  ).map(([name, r]) => [name, r.cosine, ...(zeroShot ? [orNaN(r.same_class)] : [])]);
  const what = f.tokens === "cls" ? "CLS token" : "patches";
  const recovered = f.recovered === null ? "" : `recovered: ${figure(f.recovered)}\n`;
  return `the model's output when the ${what} of layer ${f.layer} are replaced, on ${amount(f.images, "image")}\n${table(["replaced by", "output cosine", ...(zeroShot ? ["same class"] : [])], rows)}${recovered}`;
}

function probeText(p: ReportedProbes | null, many: string, one: string): string {
  if (p === null) return "";
  const best = [...p.classes].sort(
    (a, b) => orZero(b.best_by_ap?.average_precision) - orZero(a.best_by_ap?.average_precision),
  );
  const rows = best
    .slice(0, listed)
    .map((c) => [
      c.class,
      c.n,
      c.best_by_ap === null ? "-" : String(c.best_by_ap.latent),
      orNaN(c.best_by_ap?.average_precision),
      c.base_rate,
      c.best_by_f1 === null ? "-" : String(c.best_by_f1.latent),
      orNaN(c.best_by_f1?.f1),
    ]);
  const sample = p.units < p.seen ? ` (a sample of ${count(p.seen)})` : "";
  const mean = `mean AP ${figure(orNaN(p.mean_average_precision))} (chance ${figure(orNaN(p.mean_base_rate))}), mean F1 ${figure(orNaN(p.mean_f1))}`;
  const rest =
    best.length > listed
      ? `… ${amount(best.length - listed, "more class", "more classes")} in the report\n`
      : "";
  return `best latent of each ${one} label, by ${count(p.units)} ${many}${sample}: ${mean}\n${table(["class", many, "latent", "AP", "chance", "latent", "F1"], rows)}${rest}`;
}

const orZero = (x: number | undefined): number => x ?? 0;
