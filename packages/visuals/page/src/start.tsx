import { render } from "preact";
import { App, loadSession } from "./app.js";
import { loadAhead } from "./pages/view.js";
import { Waiting } from "./parts/waiting.js";

/** Milliseconds after which a person is told that something is awaited: to draw that takes time, which a fast start does not need. */
const patience = 400;

/** Draws the page once, with all that it needs at first. */
export async function start(root: HTMLElement): Promise<void> {
  const slow = setTimeout(() => render(<Waiting loaded={{ state: "loading" }} />, root), patience);
  const [session] = await Promise.all([loadSession(), loadAhead(location.hash)]);
  clearTimeout(slow);
  render(<App session={session} />, root);
}
