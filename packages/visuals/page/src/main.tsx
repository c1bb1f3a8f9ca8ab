import { source } from "./data/current-source.js";
import { askEarly } from "./data/source.js";
import "./style.css";

// What the first page needs is asked for before the rest of the program is there.
if (source.live) {
  const view = /^#\/views\/([^/?]+)/.exec(location.hash)?.[1];
  askEarly("session.json");
  if (view !== undefined)
    for (const file of ["view.json", "columns.bin", "notes.json"]) askEarly(`views/${view}/${file}`);
}
import("./start.js").then(({ start }) => start(document.getElementById("app")!));
