import { change, settings } from "../data/settings.js";

/** From what the system asks for to light to dark. */
export function ThemeButton() {
  const { theme } = settings.value;
  const next = { system: "light", light: "dark", dark: "system" } as const;
  return (
    <button
      type="button"
      aria-label={`Colours: ${theme}; switch`}
      onClick={() => change({ theme: next[theme] })}
    >
      {{ system: "◐", light: "☀", dark: "☾" }[theme]}
    </button>
  );
}
