import { effect, signal } from "@preact/signals";

/** How heat maps and lists look: a person's choice, kept in the browser. */
export interface Settings {
  readonly heat: boolean;
  /** 0 to 1. */
  readonly opacity: number;
  readonly palette: string;
  /** Whether heat maps of a latent share one scale, or each has its own. */
  readonly shared: boolean;
  readonly theme: "system" | "light" | "dark";
}

const key = "saev-explorer";
const usual: Settings = { heat: true, opacity: 1, palette: "plasma", shared: true, theme: "system" };

function kept(): Settings {
  try {
    return { ...usual, ...(JSON.parse(localStorage.getItem(key) ?? "{}") as Partial<Settings>) };
  } catch {
    // A page from disk may have no storage.
    return usual;
  }
}

export const settings = signal<Settings>(kept());

export const change = (part: Partial<Settings>) => {
  settings.value = { ...settings.value, ...part };
};

effect(() => {
  const { heat, opacity, theme } = settings.value;
  const root = document.documentElement;
  root.classList.toggle("no-heat", !heat);
  root.style.setProperty("--heat-opacity", String(opacity));
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  try {
    localStorage.setItem(key, JSON.stringify(settings.value));
  } catch {
    // Then it lasts as long as the page.
  }
});
