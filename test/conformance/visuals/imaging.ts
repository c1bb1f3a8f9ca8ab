import path from "node:path";
import { decodeImage, legacyPercentiles, TensorFile } from "@saev/core";
import { legacyTransform, opaque, overlay, plasma, plasmaIndex, viewOf } from "@saev/visuals";
import type { Outcome } from "../area.js";
import { bytesThatDiffer, exact, largestDifference, pngPixels, readJson } from "./compare.js";

export async function* imaging(folder: string): AsyncGenerator<Outcome> {
  const here = path.join(folder, "imaging");
  const { cases } = readJson(path.join(here, "cases.json")) as {
    cases: {
      case: number | string;
      size_wh: [number, number];
      upper: number | null;
      opacity: number;
      out_mode: string;
      source: string;
    }[];
  };
  using tensors = await TensorFile.open(path.join(here, "cases.safetensors"));
  for (const c of cases) {
    const subject = `imaging/${typeof c.case === "number" ? `case${c.case}` : c.case}`;
    if (c.case === "make_img") {
      const view = await viewOf(await decodeImage(path.join(folder, c.source)), legacyTransform);
      const drawn = overlay(view, tensors.get("make_img.patches").toFloat32Array(), { upper: c.upper! });
      const expected = await pngPixels(path.join(here, "make_img_out.png"));
      yield exact(subject, bytesThatDiffer(drawn.data, expected.data), "bytes, resized, cut and drawn over");
      continue;
    }
    const input = await pngPixels(path.join(here, `case${c.case}_in.png`));
    const expected = tensors.get(`case${c.case}.out`);
    const values = tensors.get(`case${c.case}.patches`).toFloat32Array();
    const drawn = overlay(input, values, { upper: c.upper ?? 1, opacity: c.opacity });
    const bytes = expected.toTypedArray() as Uint8Array;
    const wanted = c.out_mode === "RGB" ? opaque({ ...input, data: bytes }).data : bytes;
    yield exact(subject, bytesThatDiffer(drawn.data, wanted), "bytes");
    const file = await pngPixels(path.join(here, `case${c.case}_out.png`));
    yield exact(`${subject}_out.png`, bytesThatDiffer(file.data, bytes), "the file holds the same bytes");
  }
  const x = tensors.get("colormap_probe.x").toFloat32Array();
  const rgb = tensors.get("colormap_probe.rgb").toTypedArray() as Uint8Array;
  const ours = Uint8Array.from({ length: 3 * x.length }, (_, i) =>
    Math.min(255, Math.trunc(plasma[3 * plasmaIndex(x[Math.floor(i / 3)]!) + (i % 3)]! * 256)),
  );
  yield exact("imaging/colormap_probe", bytesThatDiffer(ours, rgb), "bytes");

  using table = await TensorFile.open(path.join(here, "plasma.safetensors"));
  const bytes = Uint8Array.from(plasma, (v) => Math.trunc(v * 256));
  yield exact(
    "imaging/plasma rgb_times256_uint8",
    bytesThatDiffer(bytes, table.get("rgb_times256_uint8").toTypedArray() as Uint8Array),
    "bytes",
  );
  const rgba = table.get("rgba").toFloat32Array();
  const own = Float32Array.from(rgba, (_, i) => (i % 4 === 3 ? 1 : plasma[3 * Math.floor(i / 4) + (i % 4)]!));
  yield exact("imaging/plasma rgba", largestDifference(own, rgba), "float32 values");
  const listed = (readJson(path.join(here, "plasma.json")) as { rgb: number[][] }).rgb.flat();
  yield exact("imaging/plasma.json", listed.filter((v, i) => v !== plasma[i]).length, "values");
}

export async function* percentiles(folder: string): AsyncGenerator<Outcome> {
  const here = path.join(folder, "visuals");
  const cases = readJson(path.join(here, "percentile_estimator.json")) as {
    case: number;
    percentile: number;
    total: number;
    lr: number;
  }[];
  using tensors = await TensorFile.open(path.join(here, "percentile_estimator.safetensors"));
  for (const c of cases) {
    const estimates = legacyPercentiles(tensors.get(`case${c.case}.x`), c.percentile, c.total, c.lr);
    yield exact(
      `visuals/percentile_estimator case${c.case}`,
      largestDifference(estimates.toFloat32Array(), tensors.get(`case${c.case}.estimates`).toFloat32Array()),
      "estimates after every step",
    );
  }
}
