import { createContext } from "preact";
import type { View } from "../../../src/explorer/api.js";
import { source } from "./current-source.js";
import type { DataSource } from "./source.js";

/** The visuals folder that a page is about, and where its data comes from. */
export const ViewContext = createContext<{ readonly source: DataSource; readonly view: View }>({
  source,
  view: undefined as unknown as View,
});
