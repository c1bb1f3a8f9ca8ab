import { preparePythonFolder } from "./python-folder.mjs";

/** transformers and timm, for tests that compare models with theirs. */
export const preparePythonModels = () =>
  preparePythonFolder({
    name: "python-models",
    requirements: "requirements-models.txt",
    what: "transformers and timm",
    size: "30 MB",
    skipped: "comparisons with transformers and timm",
  });

/** scipy and pyarrow, for tests that read what `saev latents` writes. */
export const preparePythonTables = () =>
  preparePythonFolder({
    name: "python-tables",
    requirements: "requirements-tables.txt",
    what: "scipy and pyarrow",
    size: "85 MB",
    skipped: "reading latents with scipy and pyarrow",
  });
