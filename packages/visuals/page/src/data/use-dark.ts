import { useEffect, useState } from "preact/hooks";
import { settings } from "./settings.js";

/** Whether the page is dark, by the person's choice or the system's. */
export function useDark(): boolean {
  const { theme } = settings.value;
  const [system, setSystem] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const follow = () => setSystem(list.matches);
    list.addEventListener("change", follow);
    return () => list.removeEventListener("change", follow);
  }, []);
  return theme === "system" ? system : theme === "dark";
}

const query = "(prefers-color-scheme: dark)";
