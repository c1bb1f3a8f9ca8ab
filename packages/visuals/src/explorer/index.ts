export { type NamedLatents, type NameLatentsOptions, nameLatents } from "../names/name-latents.js";
export { type Names, namesFile, readNames } from "../names/names-file.js";
export type { NamedBy, NamedWord } from "../names/score-words.js";
export { readVocabulary, type Vocabulary } from "../names/vocabulary.js";
export { Collection } from "./collection.js";
export { type ExportOptions, exportFile, exportFolder } from "./export/export-explorer.js";
export { type ExplorerServer, type ServeOptions, serveExplorer } from "./server/serve.js";
