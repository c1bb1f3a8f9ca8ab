// Shared by the other parts: the page's data, its state, and a way to build elements that cannot inject markup.

const data = JSON.parse(document.getElementById("data").textContent);
const latents = data.latents;
const byId = new Map(latents.map((latent, order) => [String(latent.id), Object.assign(latent, { order })]));

/** What the reader has chosen. */
const state = { heat: true, opacity: 1, find: "", sort: "order", reverse: false, states: new Set() };

/** An element with attributes, properties (`text`, `class`, `on*`) and children; text is always text. */
function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "text") node.textContent = value;
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key === "class" ? "class" : key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== undefined && child !== null));
  return node;
}

function svg(name, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "text") node.textContent = value;
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

/** A number as people read it; null is what has no value, such as the mean of a latent that never fires. */
function format(x) {
  if (x === null || x === undefined) return "–";
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (size >= 1e5 || size < 1e-3) return x.toExponential(2).replace("-", "−").replace("e+", "e");
  return String(Number(x.toPrecision(3))).replace("-", "−");
}

function percent(x) {
  return x === 0 ? "never" : `${format(100 * x)} %`;
}

const plural = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;

const labelOf = (image) => data.captions[image][0];
const nameOf = (image) => data.captions[image][1];
const pictureOf = (image) => `gallery/images/${image}.jpg`;
const thumbOf = (image) => `gallery/thumbs/${image}.jpg`;

/** Labels of a latent's images, the most frequent first: [[label, count], …]. */
function labelCounts(latent) {
  const counts = new Map();
  for (const { i } of latent.images) {
    const label = labelOf(i);
    if (label) counts.set(label, (counts.get(label) || 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}
