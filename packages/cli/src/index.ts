export type { Io, Out } from "./io.js";
export { main } from "./main.js";
