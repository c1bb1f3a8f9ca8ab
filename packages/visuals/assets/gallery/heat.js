// Heat maps: a picture with a canvas over it, one pixel of the canvas a patch.

const bytesOf = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
const palette = bytesOf(data.palette);

/** A canvas with the heat map of one image. The browser scales it up without smoothing. */
function heatCanvas(map) {
  const values = bytesOf(map);
  const side = Math.floor(Math.sqrt(values.length));
  const canvas = el("canvas", { class: "heat", width: side, height: side, "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(side, side);
  for (let i = 0; i < side * side; i++) {
    const v = values[i];
    pixels.data[4 * i] = palette[3 * v];
    pixels.data[4 * i + 1] = palette[3 * v + 1];
    pixels.data[4 * i + 2] = palette[3 * v + 2];
    pixels.data[4 * i + 3] = Math.trunc(0.9 * v);
  }
  context.putImageData(pixels, 0, 0);
  return canvas;
}

/** Two layers: the picture, and its heat map if it has one. */
function picture(entry, { thumb = false, alt = "" } = {}) {
  const size = thumb ? 160 : 448;
  return el(
    "span",
    { class: "picture" },
    el("img", {
      src: thumb ? thumbOf(entry.i) : pictureOf(entry.i),
      width: size,
      height: size,
      loading: "lazy",
      decoding: "async",
      alt,
    }),
    entry.m === undefined ? null : heatCanvas(entry.m),
  );
}

/** Shows or hides all heat maps and sets how opaque they are. */
function applyHeat() {
  document.documentElement.classList.toggle("no-heat", !state.heat);
  document.documentElement.style.setProperty("--heat-opacity", String(state.opacity));
  const button = document.getElementById("heat-toggle");
  button.setAttribute("aria-pressed", String(state.heat));
  const none = data.sortBy === "cls";
  button.hidden = none;
  document.querySelector(".opacity").hidden = none;
}
