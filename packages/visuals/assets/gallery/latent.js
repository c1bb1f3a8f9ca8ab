// One latent's page.

const latentPage = document.getElementById("latent-page");

function fact(name, value, help) {
  return el("div", { title: help }, el("dt", { text: name }), el("dd", { text: value }));
}

/** Where a patch lies, as people say it. */
function place(entry) {
  if (entry.p === undefined) return "";
  const side = Math.floor(Math.sqrt(atob(entry.m).length));
  return `strongest patch: row ${Math.floor(entry.p / side) + 1}, column ${(entry.p % side) + 1}`;
}

function figure(latent, entry, rank) {
  const label = labelOf(entry.i);
  const name = nameOf(entry.i);
  return el(
    "li",
    {},
    el(
      "figure",
      {},
      picture(entry, { alt: `Image ${entry.i}${label ? `, ${label}` : ""}` }),
      el(
        "figcaption",
        {},
        el("span", { class: "rank", text: `${rank}` }),
        el("span", { class: "label-name", text: label || `image ${entry.i}` }),
        el("span", { class: "score", text: format(entry.s), title: `score for latent ${latent.id}` }),
        el("span", { class: "file", text: name, title: [name, place(entry)].filter(Boolean).join(" · ") }),
      ),
    ),
  );
}

function neighbourLink(latent, text, key) {
  return latent
    ? el("a", {
        class: "button",
        href: `#/latent/${latent.id}`,
        "data-key": key,
        text: `${text} ${latent.id}`,
      })
    : el("span", { class: "button off", text });
}

function renderLatent(latent) {
  const order = visibleLatents();
  const at = order.indexOf(latent);
  const by = { cls: "CLS value", img: "sum over patches", patch: "largest patch" }[data.sortBy];
  const shown = latent.images.length;
  latentPage.replaceChildren(
    el(
      "nav",
      { class: "path", "aria-label": "Latents" },
      el("a", { class: "button", href: "#/", "data-key": "Escape", text: "All latents" }),
      el("span", { class: "spring" }),
      neighbourLink(at > 0 ? order[at - 1] : undefined, "←", "ArrowLeft"),
      neighbourLink(at >= 0 ? order[at + 1] : undefined, "→", "ArrowRight"),
    ),
    el(
      "div",
      { class: "head" },
      el("h1", { tabindex: "-1", text: `Latent ${latent.id}` }),
      el("span", { class: `state ${latent.state.replace(" ", "-")}`, text: latent.state }),
    ),
    el(
      "div",
      { class: "facts" },
      el(
        "section",
        { "aria-label": "Statistics" },
        el(
          "dl",
          {},
          fact(
            "Fires in",
            latent.frequency === 0 ? "no row" : `${percent(latent.frequency)} of rows`,
            `${Math.round(latent.frequency * data.rows).toLocaleString("en")} of ${data.rows.toLocaleString("en")} rows`,
          ),
          fact("Mean value", format(latent.mean), "over the rows in which it fires"),
          fact(
            "Largest value",
            latent.max === 0 && latent.state === "dead" ? "–" : format(latent.max),
            "over all rows",
          ),
          fact(`p${data.p} of all rows`, format(latent.percentile), "rows in which it is silent count as 0"),
          fact(`p${data.p} of firings`, format(latent.firingPercentile), "over the rows in which it fires"),
        ),
        labelChart(latent),
      ),
      el(
        "section",
        { "aria-label": "Histogram" },
        latent.state === "dead"
          ? el("p", { class: "note", text: "This latent never fires on these images." })
          : histogramChart(latent, true),
      ),
    ),
    el("h2", {
      text:
        shown === 0
          ? "No image moves it"
          : `${plural(shown, "image")} that ${shown === 1 ? "moves" : "move"} it most, by ${by}`,
    }),
    el("ol", { class: "images" }, ...latent.images.map((entry, i) => figure(latent, entry, i + 1))),
  );
}
