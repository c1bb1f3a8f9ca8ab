/**
 * npm run demo [-- FOLDER]
 *
 * The whole way from photographs to a gallery, by the commands that anyone would type: record activations, train a
 * sweep of four sparse autoencoders, make the visuals of the one whose latents read best. Everything goes to FOLDER
 * (default: demo-out), which may be deleted at any time. A second run goes on with what is there.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const out = path.resolve(process.argv[2] ?? path.join(root, "demo-out"));
const demo = "examples/demo";

/** Of the sweep, the one shown. */
const shownKinds = "relu vanilla";

const started = performance.now();
const seconds = (since: number) => `${((performance.now() - since) / 1000).toFixed(0)} s`;

function saev(...args: readonly string[]): void {
  console.log(`\n$ saev ${args.join(" ")}`);
  const begun = performance.now();
  const { status, signal } = spawnSync(process.execPath, ["packages/cli/bin/saev.js", ...args], {
    cwd: root,
    stdio: "inherit",
  });
  if (status !== 0) {
    console.error(`\nsaev ${args[0]} ended with ${signal ?? `exit code ${status}`}; the demo stops here.`);
    process.exit(status ?? 1);
  }
  console.log(`(${seconds(begun)})`);
}

interface Run {
  readonly dir: string;
  /** Of SAE and objective. */
  readonly kinds: string;
}

function finishedRuns(folder: string): Run[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .map((name) => path.join(folder, name))
    .filter((dir) => existsSync(path.join(dir, "evaluation.json")))
    .map((dir) => {
      const { config } = JSON.parse(readFileSync(path.join(dir, "run.json"), "utf8"));
      return { dir, kinds: `${config.sae.kind} ${config.objective.kind}` };
    });
}

const relative = (file: string) => path.relative(root, file) || ".";

const shards = path.join(out, "shards");
saev("activations", "--config", `${demo}/activations.toml`, "--dump-to", relative(shards));
const [hash] = readdirSync(shards).filter((name) => /^[0-9a-f]{64}$/.test(name));
const shardRoot = relative(path.join(shards, hash!));

const runs = path.join(out, "runs");
if (finishedRuns(runs).length < 4) {
  saev(
    ...["train", "--config", `${demo}/train.toml`, "--sweep", `${demo}/sweep.toml`],
    ...["--data.shard-root", shardRoot, "--ckpt-path", relative(runs)],
  );
}

const shown = finishedRuns(runs).find((run) => run.kinds === shownKinds);
if (shown === undefined) throw new Error(`${runs} holds no finished run of ${shownKinds}`);
const visuals = path.join(out, "visuals");
saev(
  ...["visuals", "--config", `${demo}/visuals.toml`, "--ckpt", relative(path.join(shown.dir, "sae.pt"))],
  ...["--data.shard-root", shardRoot, "--dump-to", relative(visuals)],
);

console.log(`\nThe demo took ${seconds(started)}. Open the gallery in a browser:`);
console.log(`  ${path.join(visuals, "sort_by_patch", "index.html")}`);
console.log("or look into all latents and the four runs:");
console.log(`  node packages/cli/bin/saev.js explore ${relative(visuals)} ${relative(runs)}`);
