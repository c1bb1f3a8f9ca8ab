import { createContext } from "preact";
import type { View } from "../../../src/explorer/api.js";
import { type DataSource, server } from "./source.js";

/** The visuals folder that a page is about, and where its data comes from. */
export const ViewContext = createContext<{ readonly source: DataSource; readonly view: View }>({
  source: server,
  view: undefined as unknown as View,
});
