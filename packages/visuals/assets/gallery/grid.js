// The overview: cards of latents, found, filtered and sorted.

const grid = document.getElementById("grid");

const searchText = new Map(
  latents.map((latent) => [
    latent,
    [latent.id, latent.state, ...latent.images.flatMap(({ i }) => data.captions[i])].join("\n").toLowerCase(),
  ]),
);

/** Latents that match what was typed and chosen, in the order chosen. */
function visibleLatents() {
  const words = state.find.toLowerCase().split(/\s+/).filter(Boolean);
  const number = /^\d+$/.test(state.find.trim()) ? state.find.trim() : undefined;
  const found = latents.filter((latent) => {
    if (state.states.size > 0 && !state.states.has(latent.state)) return false;
    if (number !== undefined) return String(latent.id).startsWith(number);
    return words.every((word) => searchText.get(latent).includes(word));
  });
  const keys = {
    order: (l) => l.order,
    id: (l) => l.id,
    // Largest first; latents without a value (never firing) last.
    frequency: (l) => -(l.frequency ?? -1),
    mean: (l) => -(l.mean ?? -Infinity),
    max: (l) => -(l.max ?? -Infinity),
  };
  const key = keys[state.sort];
  found.sort((a, b) => key(a) - key(b) || a.id - b.id);
  if (state.reverse) found.reverse();
  return found;
}

function card(latent) {
  const label = labelCounts(latent)[0];
  const pictures = latent.images.slice(0, 4).map((entry) => picture(entry, { thumb: true }));
  while (pictures.length < 4) pictures.push(el("span", { class: "picture empty" }));
  return el(
    "li",
    { class: "cell" },
    el(
      "a",
      {
        class: "card",
        href: `#/latent/${latent.id}`,
        "data-latent": latent.id,
        "aria-label": `Latent ${latent.id}, ${latent.state}, fires in ${percent(latent.frequency)} of rows${label ? `, mostly ${label[0]}` : ""}`,
      },
      el("span", { class: "four", "aria-hidden": "true" }, ...pictures),
      el(
        "span",
        { class: "line" },
        el("strong", { text: latent.id }),
        latent.state === "alive"
          ? null
          : el("span", { class: `state ${latent.state.replace(" ", "-")}`, text: latent.state }),
        el("span", { class: "top-label", text: label ? label[0] : "" }),
      ),
      histogramChart(latent, false),
      el(
        "span",
        { class: "line small" },
        el("span", { text: percent(latent.frequency), title: "rows in which it fires" }),
        el("span", { text: `mean ${format(latent.mean)}` }),
      ),
    ),
  );
}

const cards = new Map();

/** Puts the matching cards into the grid. Cards are made once, and moved. */
function renderGrid() {
  const found = visibleLatents();
  const fragment = document.createDocumentFragment();
  for (const latent of found) {
    if (!cards.has(latent)) cards.set(latent, card(latent));
    fragment.append(cards.get(latent));
  }
  grid.replaceChildren(fragment);
  document.getElementById("found").textContent =
    found.length === latents.length
      ? `${plural(found.length, "latent")}`
      : `${found.length} of ${plural(latents.length, "latent")}`;
}

/** Moves the focus among the cards as the arrow keys say; whether it did. */
function moveFocus(key) {
  const links = [...grid.querySelectorAll("a.card")];
  if (links.length === 0) return false;
  const at = links.indexOf(document.activeElement);
  if (at < 0) {
    if (
      document.activeElement !== document.body &&
      document.activeElement !== document.getElementById("main")
    )
      return false;
    links[0].focus();
    return true;
  }
  // Cards in a row have the same top.
  const tops = links.map((link) => Math.round(link.getBoundingClientRect().top));
  const second = tops.findIndex((top) => top > tops[0]);
  const columns = second < 0 ? links.length : second;
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key];
  const next = links[at + step];
  if (next) next.focus();
  return true;
}
