/**
 * How long `saev --help` takes from nothing to the prompt, beside the Python package's command line: tyro over
 * beartype-checked dataclasses, all heavy imports deferred, as the package has it.
 *
 * tyro and beartype are fetched once through pip into .cache/bench, since nothing else here needs them.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { median } from "./_median.js";
import type { BenchResult } from "./result.js";

const root = path.resolve(import.meta.dirname, "..");
const rounds = 15;
const packages = ["tyro==1.0.17", "beartype==0.22.9"];

export default async function startup(): Promise<BenchResult> {
  const saev = path.join(root, "packages/cli/bin/saev.js");
  const python = process.env.SAEV_PYTHON ?? "python3";
  const site = peerPackages(python);
  const peer = path.join(import.meta.dirname, "peers/startup.py");
  const floor = path.join(import.meta.dirname, "peers/startup_argparse.py");
  const env = {
    ...process.env,
    PYTHONPATH: site,
    PYTHONPYCACHEPREFIX: path.join(root, ".cache/bench/pycache"),
  };
  // Python is to start from compiled files, as it usually does.
  delete (env as NodeJS.ProcessEnv).PYTHONDONTWRITEBYTECODE;
  const cases = {
    node: [process.execPath, "-e", "0"],
    ours: [process.execPath, saev, "--help"],
    peer: [python, peer, "--help"],
    oursTrain: [process.execPath, saev, "train", "--help"],
    peerTrain: [python, peer, "train", "--help"],
    argparse: [python, floor, "--help"],
  } as const;
  type Case = keyof typeof cases;
  const names = Object.keys(cases) as Case[];
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Case, number[]>;
  // The first round warms the file cache and Python's compiled files, and does not count.
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      const [command, ...args] = cases[name];
      const start = performance.now();
      const { status, stderr } = spawnSync(command, args, { env, encoding: "utf8" });
      const elapsed = performance.now() - start;
      if (status !== 0) throw new Error(`${name} failed: ${stderr}`);
      if (round > 0) times[name].push(elapsed);
    }
  }
  const of = (name: Case) => median(times[name]);
  const times2 = (a: Case, b: Case) => (of(a) / of(b)).toFixed(2);
  return {
    name: "startup",
    ours: of("ours"),
    peer: of("peer"),
    ratio: of("peer") / of("ours"),
    unit: "ms",
    notes: [
      `saev --help is ${times2("ours", "node")} × node -e 0 (${of("node").toFixed(1)} ms), at most 2.5 is asked for`,
      `saev train --help: ours ${of("oursTrain").toFixed(1)} ms, peer ${of("peerTrain").toFixed(1)} ms, ratio ${times2("peerTrain", "oursTrain")}`,
      `peer: ${packages.join(" and ")}, the Python package's config classes and commands; medians of ${rounds} interleaved rounds`,
      `floor: argparse alone with nine flags and no config classes takes ${of("argparse").toFixed(1)} ms`,
    ],
  };
}

/** The folder that holds the peer's packages. */
function peerPackages(python: string): string {
  const site = path.join(root, ".cache/bench/startup");
  if (existsSync(path.join(site, "tyro")) && existsSync(path.join(site, "beartype"))) return site;
  const args = [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "--target",
    site,
    ...packages,
  ];
  const { status, stderr } = spawnSync(python, args, { encoding: "utf8" });
  if (status !== 0)
    throw new Error(`the peer needs ${packages.join(" and ")}, and pip cannot fetch them: ${stderr.trim()}`);
  return site;
}
