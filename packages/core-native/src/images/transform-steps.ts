import type { Transform } from "./transform.js";

/** One step of what is done to a picture, in order. */
export type TransformStep = Readonly<{ step: string; text: string } & Record<string, unknown>>;

const filters = {
  bicubic: "bicubic (a = -0.5)",
  bilinear: "bilinear",
} as const;

/** Every step from a file to what a model's first layer gets, with all sizes and numbers. */
export function transformSteps(t: Transform): readonly TransformStep[] {
  const { mode, filter, height, width, resizeHeight, resizeWidth } = t;
  const scale: TransformStep = {
    step: "scale",
    text: t.reciprocal ? "times 1 / 255, in float32" : "divided by 255, in float32",
    divisor: 255,
    reciprocal: t.reciprocal ?? false,
  };
  const side = resizeHeight === resizeWidth ? `${resizeWidth}` : `${resizeWidth} × ${resizeHeight}`;
  const to = {
    shortest: `shorter side to ${side}, the other in proportion${resizeHeight === resizeWidth ? ", rounded down" : ""}`,
    longest: `longer side to ${side}, the other in proportion`,
    squash: `to ${resizeWidth} × ${resizeHeight}, whatever its shape`,
  }[mode];
  const resize: TransformStep = {
    step: "resize",
    text: `${to}; ${filters[filter]}, antialiased as Pillow does, ${t.unrounded ? "in float32" : "rounded to 8 bits"}`,
    ...{ mode, height: resizeHeight, width: resizeWidth, interpolation: filter, antialias: true },
    rounded: !t.unrounded,
  };
  const whole = mode !== "shortest" && width === resizeWidth && height === resizeHeight;
  const rounding = t.cropDown ? "down" : "half to even";
  const crop: TransformStep = {
    step: "crop",
    text: `the middle ${width} × ${height}, what is missing black; offsets rounded ${rounding}`,
    ...{ height, width, offsets: rounding },
  };
  const [mean, std] = [t.mean, t.std].map((three) => three.join(", "));
  return [
    {
      step: "decode",
      text: "to red, green and blue of 8 bits; transparency is dropped, EXIF rotation ignored",
    },
    ...(t.unrounded ? [scale] : []),
    resize,
    ...(whole && mode === "squash" ? [] : [crop]),
    ...(t.unrounded ? [] : [scale]),
    { step: "normalise", text: `minus ${mean}, over ${std}`, mean: t.mean, std: t.std },
    {
      step: "result",
      text: `float32 [3, ${height}, ${width}]`,
      shape: [3, height, width],
      dtype: "float32",
    },
  ];
}
