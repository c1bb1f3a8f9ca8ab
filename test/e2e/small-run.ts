import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Ended, root, saevHere } from "./saev.js";

/** Everything the three commands make of a few of the demo's pictures, in a temporary folder. */
export interface SmallRun {
  readonly folder: string;
  readonly pictures: string;
  /** Paths of the pictures in the order of the dataset. */
  readonly files: readonly string[];
  readonly model: string;
  readonly shards: string;
  /** Run folders of the sweep's two SAEs. */
  readonly runs: readonly string[];
  readonly visuals: string;
  readonly remove: () => void;
}

const categories = ["animals", "food", "vehicles"];
const perCategory = 4;

/**
 * What a person types, on 12 pictures: some seconds in all.
 * @param saev runs a command; default: in this process.
 */
export async function smallRun(
  saev: (args: readonly string[], options: { cwd: string }) => Promise<Ended> = saevHere,
): Promise<SmallRun> {
  const folder = mkdtempSync(path.join(tmpdir(), "saev-e2e-"));
  const data = path.join(root, "examples/data");
  const pictures = path.join(folder, "pictures");
  const files: string[] = [];
  for (const category of categories) {
    mkdirSync(path.join(pictures, category), { recursive: true });
    for (const name of readdirSync(path.join(data, "pictures", category))
      .toSorted()
      .slice(0, perCategory)) {
      const to = path.join(pictures, category, name);
      cpSync(path.join(data, "pictures", category, name), to);
      files.push(to);
    }
  }
  const model = path.join(data, "models/clip-demo");
  const run = async (...args: string[]) => {
    const ended = await saev(args, { cwd: folder });
    if (ended.code !== 0) throw new Error(`saev ${args.join(" ")}: exit code ${ended.code}\n${ended.stderr}`);
  };

  await run(
    ...[
      "activations",
      "--vit-family",
      "clip",
      "--vit-ckpt",
      model,
      "--d-vit",
      "128",
      "--n-patches-per-img",
      "100",
    ],
    ...["--vit-layers", "-2", "--vit-batch-size", "5", "--n-patches-per-shard", "500", "--device", "cpu"],
    ...["--dump-to", "shards", "data:image-folder-dataset", "--data.root", "pictures"],
  );
  const [hash] = readdirSync(path.join(folder, "shards"));
  const shards = path.join("shards", hash!);
  await run(
    ...[
      "train",
      "--data.shard-root",
      shards,
      "--n-patches",
      "40_000",
      "--sae-batch-size",
      "200",
      "--lr",
      "1e-3",
    ],
    ...["--n-lr-warmup", "20", "--log-every", "50", "--device", "cpu", "--ckpt-path", "runs"],
    ...["--sweep", path.join(root, "test/fixtures/sweep-of-two.toml")],
    ...["sae:relu", "--sae.d-vit", "128", "--sae.exp-factor", "2", "--sae.n-reinit-samples", "1000"],
  );
  const runs = readdirSync(path.join(folder, "runs"))
    .toSorted()
    .map((id) => path.join("runs", id));
  await run(
    ...["visuals", "--ckpt", path.join(runs[0]!, "sae.pt"), "--data.shard-root", shards, "--device", "cpu"],
    ...["--dump-to", "visuals", "--top-k", "3", "--n-latents", "5", "--log-freq-range", "-6", "0"],
    ...["--log-value-range", "-6", "6", "--n-distributions", "4"],
    ...["images:image-folder-dataset", "--images.root", "pictures"],
  );
  return {
    folder,
    pictures,
    files,
    model,
    shards: path.join(folder, shards),
    runs: runs.map((dir) => path.join(folder, dir)),
    visuals: path.join(folder, "visuals/sort_by_patch"),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
