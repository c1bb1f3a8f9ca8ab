import { preparePythonFolder } from "./python-folder.mjs";

/** transformers, timm and open_clip, for tests that compare models and tables with theirs. */
const preparePythonModels = () =>
  preparePythonFolder({
    name: "python-models",
    requirements: "requirements-models.txt",
    what: "transformers, timm and open_clip",
    size: "30 MB",
    skipped:
      "comparisons with transformers, timm and open_clip, and with the packages of SAEs, which import transformers,",
  });

/** scipy and pyarrow, for tests that read what `saev latents` writes. */
const preparePythonTables = () =>
  preparePythonFolder({
    name: "python-tables",
    requirements: "requirements-tables.txt",
    what: "scipy and pyarrow",
    size: "85 MB",
    skipped: "reading latents with scipy and pyarrow, and the packages of SAEs, which import pyarrow,",
  });

/** SAELens, sparsify and dictionary_learning, for tests that read and write SAEs with them. */
const preparePythonSaes = () =>
  preparePythonFolder({
    name: "python-saes",
    requirements: "requirements-saes.txt",
    what: "SAELens, sparsify and dictionary_learning",
    size: "50 MB",
    skipped: "reading and writing SAEs with SAELens, sparsify and dictionary_learning",
  });

/** All of them. */
export function preparePythonExtras() {
  preparePythonModels();
  preparePythonTables();
  preparePythonSaes();
}
