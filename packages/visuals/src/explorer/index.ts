export { Collection } from "./collection.js";
export { type ExportOptions, exportFile, exportFolder } from "./export/export-explorer.js";
export { type ExplorerServer, type ServeOptions, serveExplorer } from "./server/serve.js";
