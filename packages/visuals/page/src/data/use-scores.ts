import type { ViewData } from "../pages/view.js";
import { scoresFor } from "./names.js";
import { type Loaded, useLoaded } from "./use.js";

/** The last answers, by view and text: pages of latents step through the same list. */
const known = new Map<string, Promise<Float32Array>>();
const kept = 8;

/** How well the text that the address holds fits each latent; undefined without a text. */
export function useScores(data: ViewData, text: string): Loaded<Float32Array | undefined> {
  const { view, source } = data;
  return useLoaded<Float32Array | undefined>(async () => {
    if (text === "" || !source.live) return undefined;
    const key = `${view.id} ${text}`;
    let answer = known.get(key);
    if (!answer) {
      answer = scoresFor(view.id, text, view.dSae);
      known.set(key, answer);
      answer.catch(() => known.delete(key));
      if (known.size > kept) known.delete(known.keys().next().value!);
    }
    return answer;
  }, [view.id, text]);
}
