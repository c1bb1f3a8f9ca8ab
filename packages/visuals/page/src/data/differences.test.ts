import { expect, test } from "vitest";
import { sideBySide } from "./differences.js";

test("configs side by side: what differs, what only one has", () => {
  const rows = sideBySide([
    { lr: 1e-3, sae: { d_vit: 8, k: [1, 2] }, tag: "" },
    { lr: 1e-3, sae: { d_vit: 8, k: [1, 3] }, extra: null },
  ]);
  expect(rows).toEqual([
    { path: "lr", values: ["0.001", "0.001"], differs: false },
    { path: "sae.d_vit", values: ["8", "8"], differs: false },
    { path: "sae.k", values: ["[1,2]", "[1,3]"], differs: true },
    { path: "tag", values: ['""', ""], differs: true },
    { path: "extra", values: ["", "null"], differs: true },
  ]);
});
