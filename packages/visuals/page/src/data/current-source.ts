import { exportedSource } from "./exported.js";
import { server } from "./source.js";

/** Where this page's data comes from. */
export const source = exportedSource() ?? server;
