// node packages/config/scripts/write-json-schemas.mjs [FOLDER]
// Writes the JSON Schemas of all files that people write by hand, for editors: by default to dist/schemas, which is
// published as @saev/config/schemas/*. Needs the built package.
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import {
  Activations,
  Evaluate,
  evaluationReportSchema,
  Inference,
  jsonSchema,
  sweepJsonSchema,
  Train,
  Visuals,
} from "../dist/index.js";

const folder = path.resolve(process.argv[2] ?? path.join(import.meta.dirname, "../dist/schemas"));
mkdirSync(folder, { recursive: true });
const schemas = {
  activations: jsonSchema(Activations),
  train: jsonSchema(Train),
  visuals: jsonSchema(Visuals),
  latents: jsonSchema(Inference),
  evaluate: jsonSchema(Evaluate),
  sweep: sweepJsonSchema(),
  "evaluation-report": evaluationReportSchema(),
};
for (const [name, schema] of Object.entries(schemas)) {
  const file = path.join(folder, `${name}.schema.json`);
  writeFileSync(`${file}.tmp`, `${JSON.stringify(schema, null, 2)}\n`);
  renameSync(`${file}.tmp`, file);
  console.log(file);
}
