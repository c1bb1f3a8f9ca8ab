import { render } from "preact";
import { App, loadSession } from "./app.js";
import { loadAhead } from "./pages/view.js";
import "./style.css";

// All that the first page needs is asked for at once, and the page is drawn once, with it: until then, what index.html says is shown.
const root = document.getElementById("app")!;
const [session] = await Promise.all([loadSession(), loadAhead(location.hash)]);
root.replaceChildren();
render(<App session={session} />, root);
