// Routes, controls and keys.

const overviewPage = document.getElementById("overview-page");
const find = document.getElementById("find");
const themeButton = document.getElementById("theme");
const wantsDark = matchMedia("(prefers-color-scheme: dark)");
let last;
let scrolled = 0;

/** Shows what the address asks for: "#/latent/12", or the overview. */
function route() {
  const match = /^#\/latent\/(\d+)$/.exec(location.hash);
  const latent = match && byId.get(match[1]);
  if (latent && last === undefined) scrolled = scrollY;
  overviewPage.hidden = Boolean(latent);
  latentPage.hidden = !latent;
  if (latent) {
    renderLatent(latent);
    document.title = `Latent ${latent.id} · ${data.title}`;
    scrollTo(0, 0);
    latentPage.querySelector("h1").focus({ preventScroll: true });
  } else {
    document.title = `${data.title} · latents`;
    if (last) {
      scrollTo(0, scrolled);
      grid.querySelector(`[data-latent="${last.id}"]`)?.focus();
    }
  }
  last = latent || undefined;
}

function toggleHeat() {
  state.heat = !state.heat;
  applyHeat();
}

const isDark = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : wantsDark.matches;
};

function applyTheme() {
  themeButton.textContent = isDark() ? "Light" : "Dark";
}

function toggleTheme() {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  applyTheme();
  try {
    localStorage.setItem("saev-theme", document.documentElement.dataset.theme);
  } catch {
    // A page from disk may have no storage: the choice then lasts as long as the page.
  }
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target;
  const typing = target.matches("input[type=search], select");
  if (target.matches("input[type=range]") && event.key.startsWith("Arrow")) return;
  if (event.key === "Escape" && typing) {
    target.blur();
    return;
  }
  if (typing) return;
  if (event.key === "t" && data.sortBy !== "cls") toggleHeat();
  else if (event.key === "d") toggleTheme();
  else if (event.key === "/") {
    if (!latentPage.hidden) location.hash = "#/";
    // After the route has shown the field.
    setTimeout(() => find.focus());
  } else if (!latentPage.hidden) {
    const link = latentPage.querySelector(`a[data-key="${CSS.escape(event.key)}"]`);
    if (!link) return;
    location.hash = link.getAttribute("href");
  } else if (!(event.key.startsWith("Arrow") && moveFocus(event.key))) return;
  event.preventDefault();
}

function start() {
  try {
    const saved = localStorage.getItem("saev-theme");
    if (saved === "light" || saved === "dark") document.documentElement.dataset.theme = saved;
  } catch {
    // No storage: the system's choice holds.
  }
  applyTheme();
  wantsDark.addEventListener("change", applyTheme);
  themeButton.addEventListener("click", toggleTheme);
  document.getElementById("heat-toggle").addEventListener("click", toggleHeat);
  document.getElementById("opacity").addEventListener("input", (event) => {
    state.opacity = event.target.value / 100;
    applyHeat();
  });
  find.addEventListener("input", () => {
    state.find = find.value;
    renderGrid();
  });
  document.getElementById("tools").addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("sort").addEventListener("change", (event) => {
    state.sort = event.target.value;
    renderGrid();
  });
  const direction = document.getElementById("direction");
  direction.addEventListener("click", () => {
    state.reverse = !state.reverse;
    direction.textContent = state.reverse ? "↑" : "↓";
    direction.setAttribute("aria-pressed", String(state.reverse));
    renderGrid();
  });
  const states = document.getElementById("states");
  for (const name of ["alive", "dense", "almost dead", "dead"]) {
    const n = latents.filter((latent) => latent.state === name).length;
    if (n === 0) continue;
    const box = el("input", {
      type: "checkbox",
      value: name,
      onchange: () => {
        if (box.checked) state.states.add(name);
        else state.states.delete(name);
        renderGrid();
      },
    });
    states.append(el("label", { class: "chip" }, box, el("span", { text: `${name} ${n}` })));
  }
  const total = Object.values(data.counts).reduce((a, b) => a + b, 0);
  document.getElementById("summary").textContent =
    `${plural(latents.length, "latent")} of ${total.toLocaleString("en")} shown, over ${plural(data.nImages, "image")}. ` +
    `Of all: ${["alive", "dense", "almost dead", "dead"]
      .filter((name) => data.counts[name] > 0)
      .map((name) => `${data.counts[name].toLocaleString("en")} ${name}`)
      .join(", ")}.`;
  applyHeat();
  renderGrid();
  addEventListener("hashchange", route);
  addEventListener("keydown", onKey);
  route();
}

start();
