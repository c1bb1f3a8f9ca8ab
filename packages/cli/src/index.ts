export { commands } from "./commands/index.js";
export { commandMarkdown } from "./help/command-markdown.js";
export type { Io, Out } from "./io.js";
export { main } from "./main.js";
