import { render } from "preact";
import { App } from "./app.js";
import { loadAhead } from "./pages/view.js";
import "./style.css";

loadAhead(location.hash);
render(<App />, document.getElementById("app")!);
