import { expect, test } from "vitest";
import { type ImageState, imageQuery, imageStateOf } from "./image-address.js";
import { latentsOf, strongest, valuesOf } from "./live.js";

// Three rows: latents 2 and 7; 7; none.
const rowStart = [0, 2, 3, 3];
const file = new Uint8Array([
  ...new Uint8Array(Int32Array.from(rowStart).buffer),
  ...new Uint8Array(Int32Array.from([2, 7, 7]).buffer),
  ...new Uint8Array(Float32Array.from([1, 0.5, 4]).buffer),
]).buffer;

test("the strongest latents of some rows", () => {
  const latents = latentsOf(file, 3);
  expect(strongest(latents, [0, 1, 2])).toEqual([
    { latent: 7, mean: 1.5, max: 4, fires: 2 },
    { latent: 2, mean: 1 / 3, max: 1, fires: 1 },
  ]);
  expect(strongest(latents, [0]).map(({ latent }) => latent)).toEqual([2, 7]);
  expect(strongest(latents, [2])).toEqual([]);
  expect([...valuesOf(latents, 7)]).toEqual([0.5, 4, 0]);
});

test("the address holds what was chosen, and survives nonsense", () => {
  const nothing: ImageState = {
    image: undefined,
    rows: [],
    changes: [],
    onlySelected: false,
    keepError: true,
    overlay: undefined,
    labels: [],
  };
  expect(imageQuery(nothing).toString()).toBe("");
  expect(imageStateOf(new URLSearchParams())).toEqual(nothing);
  const state: ImageState = {
    image: "d12",
    rows: [0, 5, 17],
    changes: [
      { latent: 3, kind: "scale", value: 0 },
      { latent: 12, kind: "set", value: 1.5e-7 },
      { latent: 4, kind: "scale", value: -2.5 },
    ],
    onlySelected: true,
    keepError: false,
    overlay: { of: "latent", latent: 3 },
    labels: ["a cat", "a red car, parked"],
  };
  expect(imageStateOf(new URLSearchParams(imageQuery(state).toString()))).toEqual(state);
  const odd = "image=../x&patches=5,-1,1e9,5,x&steer=3x,x0,4q1,5s1..2,6x1&where=here&error=in&show=all";
  expect(imageStateOf(new URLSearchParams(odd))).toEqual({
    ...nothing,
    rows: [5],
    changes: [{ latent: 6, kind: "scale", value: 1 }],
  });
});
