import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { binary, root, saev } from "../e2e/saev.js";

const data = path.join(root, "examples/data");
/** Folders of the demo's pictures, and how many of each: as few as give a gallery of every kind. */
const classes = ["animals", "food", "plants", "scenes"];
const each = 4;

/** A folder in which a page's blocks run: pictures, a model, a recording, two runs, a gallery. */
export interface Workspace {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
}

/** The model, under the names that pages have for it, the demo's pictures, and the packages as a reader's programs find them. */
function link(folder: string): void {
  const at = (...parts: string[]) => path.join(folder, ...parts);
  mkdirSync(at("models"));
  symlinkSync(path.join(data, "models/clip-demo"), at("models/clip"));
  mkdirSync(at("examples/data/models"), { recursive: true });
  symlinkSync(path.join(data, "models/clip-demo"), at("examples/data/models/clip-demo"));
  symlinkSync(at("photographs"), at("examples/data/pictures"));
  symlinkSync(path.join(root, "node_modules"), at("node_modules"));
}
const linked = ["models", "examples", "node_modules"];

/** What all pages share, made once. */
export async function makeTemplate(): Promise<Workspace> {
  const folder = mkdtempSync(path.join(tmpdir(), "saev-docs-"));
  const at = (...parts: string[]) => path.join(folder, ...parts);
  for (const name of classes) {
    mkdirSync(at("photographs", name), { recursive: true });
    const from = path.join(data, "pictures", name);
    for (const file of readdirSync(from).toSorted().slice(0, each))
      cpSync(path.join(from, file), at("photographs", name, file));
  }
  link(folder);
  writeFileSync(at("package.json"), '{ "type": "module" }\n');
  mkdirSync(at("bin"));
  writeFileSync(
    at("bin/saev"),
    `#!/bin/sh\nexec "${process.execPath}" "${path.join(root, "test/docs/saev-small.mjs")}" "$@"\n`,
  );
  chmodSync(at("bin/saev"), 0o755);

  const run = async (...words: string[]) => {
    const { code, stderr } = await saev(words, { cwd: folder, env });
    if (code !== 0) throw new Error(`saev ${words.join(" ")}: exit code ${code}\n${stderr}`);
  };
  const env = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(HF_|SAEV_CACHE)/.test(name))),
    HF_HUB_OFFLINE: "1",
    HF_HOME: at("hub"),
    OMP_NUM_THREADS: "1",
  };
  await run(
    ...["activations", "--vit-ckpt", "models/clip", "--d-vit", "128", "--n-patches-per-img", "100"],
    // Files have their full size from the start, and pages copy them.
    ...["--n-patches-per-shard", "2000"],
    ...["--device", "cpu", "--dump-to", "shards", "data:image-folder-dataset", "--data.root", "photographs"],
  );
  const shards = path.join("shards", readdirSync(at("shards"))[0]!);
  writeFileSync(at("two.toml"), "[objective]\nsparsity_coeff = [1e-3, 1e-2]\n");
  await run(
    ...[
      "train",
      "--data.shard-root",
      shards,
      "--n-patches",
      "6000",
      "--sae-batch-size",
      "100",
      "--lr",
      "1e-3",
    ],
    ...["--data.n-random-samples", "1000", "--device", "cpu", "--ckpt-path", "checkpoints"],
    ...["--sweep", "two.toml", "sae:relu", "--sae.d-vit", "128", "--sae.exp-factor", "2"],
    ...["--sae.n-reinit-samples", "1000"],
  );
  const first = readdirSync(at("checkpoints")).toSorted()[0]!;
  await run(
    ...["visuals", "--ckpt", `checkpoints/${first}/sae.pt`, "--data.shard-root", shards, "--device", "cpu"],
    ...[
      "--top-k",
      "4",
      "--n-latents",
      "4",
      "--n-distributions",
      "2",
      "--log-freq-range",
      "-6",
      "0",
      "--log-value-range",
      "-6",
      "6",
    ],
    ...["--dump-to", "gallery", "images:image-folder-dataset", "--images.root", "photographs"],
  );
  return { folder, env };
}

/** A page's own copy of the template. */
export function copyOf(template: Workspace, page: string): Workspace {
  const folder = path.join(`${template.folder}-pages`, page.replaceAll(/[/.]/g, "-"));
  const isLinked = (file: string) => linked.includes(path.relative(template.folder, file));
  cpSync(template.folder, folder, { recursive: true, filter: (file) => !isLinked(file) });
  link(folder);
  return { folder, env: { ...template.env, PATH: `${folder}/bin:${process.env.PATH}`, SAEV_BINARY: binary } };
}
