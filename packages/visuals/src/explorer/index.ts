export { Collection } from "./collection.js";
export { type ExplorerServer, type ServeOptions, serveExplorer } from "./server/serve.js";
