import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import {
  cannotParallelize,
  documentText,
  expand,
  grid,
  hashedText,
  metadataHash,
  metadataOf,
  metadataText,
  parseActivations,
  parseMetadata,
  parseTrain,
  splitCfgs,
  Train,
  toDocument,
} from "@saev/config";
import type { ConformanceArea, Outcome } from "../area.js";

type Json = Record<string, unknown>;

const exact = (subject: string, differences: number, note?: string): Outcome => ({
  subject,
  deviation: differences,
  tolerance: 0,
  ...(note === undefined ? {} : { note }),
});

/** Entries of two lists that differ, missing ones included. */
function differences(ours: readonly unknown[], theirs: readonly unknown[]): number {
  const length = Math.max(ours.length, theirs.length);
  return Array.from({ length }, (_, i) => ours[i]).filter((v, i) => !isDeepStrictEqual(v, theirs[i])).length;
}

const readJson = (folder: string, ...path: string[]): unknown =>
  JSON.parse(readFileSync(join(folder, ...path), "utf8"));

interface SweepCase {
  readonly id: number;
  readonly sweep: Json;
  readonly expand: Json[];
  readonly grid: {
    readonly cfgs?: Json[];
    readonly errs?: string[];
    readonly raises?: string;
    readonly message?: string;
  };
}

function* sweeps(folder: string): Iterable<Outcome> {
  const { base, cases } = readJson(folder, "config", "sweeps.json") as { base: Json; cases: SweepCase[] };
  const cfg = parseTrain(base);
  for (const { id, sweep, expand: expanded, grid: theirs } of cases) {
    const before = structuredClone(sweep);
    yield exact(`config/sweeps.json case ${id} expand`, differences(expand(sweep), expanded));
    const { cfgs, errs } = grid(cfg, sweep);
    yield exact(`config/sweeps.json case ${id} input kept`, isDeepStrictEqual(sweep, before) ? 0 : 1);
    yield gridOutcome(`config/sweeps.json case ${id} grid`, cfg, {
      sweep,
      expanded,
      theirs,
      cfgs,
      errs: errs.length,
    });
  }
}

interface Compared {
  readonly sweep: Json;
  readonly expanded: readonly Json[];
  readonly theirs: SweepCase["grid"];
  readonly cfgs: readonly Train[];
  readonly errs: number;
}

/**
 * Where the original raises or refuses what is valid (a missing table, an integer for a float, `seed`), ours must
 * give one config a combination; where it refuses what is not, ours must too.
 */
function gridOutcome(
  subject: string,
  base: Train,
  { sweep, expanded, theirs, cfgs, errs }: Compared,
): Outcome {
  const documents = cfgs.map(toDocument);
  if (
    theirs.cfgs !== undefined &&
    differences(documents, theirs.cfgs) === 0 &&
    errs === theirs.errs?.length
  ) {
    return exact(subject, 0);
  }
  // Each combination by itself, merged by the plainest rule there is.
  const valid = expanded.filter((combination) => {
    const merged: Json = toDocument(base);
    for (const [key, value] of Object.entries(combination)) {
      const own = merged[key];
      merged[key] = isObject(value) && isObject(own) ? { ...own, ...value } : value;
    }
    const kinds = { sae: { kind: base.sae.kind, ...(merged.sae as Json) } };
    const objective = { kind: base.objective.kind, ...(merged.objective as Json) };
    try {
      parseTrain({ ...merged, ...kinds, objective });
      return true;
    } catch {
      return false;
    }
  });
  const known = theirs.raises ?? `${theirs.errs?.length} refusals`;
  const all = valid.length === expanded.length;
  // A config that both accept must be the same one, number and seeds included.
  const strangers = (theirs.cfgs ?? []).filter((t) => !documents.some((d) => isDeepStrictEqual(d, t))).length;
  const wrong = Math.abs(cfgs.length - valid.length) + ((errs === 0) === all ? 0 : 1) + strangers;
  const seeds = "seed" in sweep ? "; a swept seed is used as given" : "";
  return exact(subject, wrong, `original: ${known}; ours: ${cfgs.length} configs, ${errs} mistakes${seeds}`);
}

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function* splits(folder: string): Iterable<Outcome> {
  const { cannot_parallelize, cases } = readJson(folder, "config", "split_cfgs.json") as {
    cannot_parallelize: string[];
    cases: { cfgs: Json[]; groups?: number[][]; raises?: { type: string } }[];
  };
  yield exact(
    "config/split_cfgs.json cannot_parallelize",
    differences([...cannotParallelize].sort(), [...cannot_parallelize].sort()),
  );
  for (const [i, { cfgs: documents, groups, raises }] of cases.entries()) {
    const cfgs = documents.map((d) => parseTrain(d));
    const ours = splitCfgs(cfgs).map((group) => group.map((cfg) => cfgs.indexOf(cfg)));
    const subject = `config/split_cfgs.json case ${i}`;
    if (groups !== undefined) {
      yield exact(subject, differences(ours, groups));
      continue;
    }
    const members = ours.flat().sort((a, b) => a - b);
    yield exact(
      subject,
      differences(members, [...cfgs.keys()]),
      `original raises ${raises?.type}; ours groups all`,
    );
  }
}

function* hashes(folder: string): Iterable<Outcome> {
  const cases = readJson(folder, "shards", "metadata_hashes.json") as {
    dataset: string;
    config: Json;
    metadata: { n_imgs: number };
    hashed_json: string;
    sha256: string;
    metadata_json_file: string;
  }[];
  for (const [i, { dataset, config, metadata, hashed_json, sha256, metadata_json_file }] of cases.entries()) {
    const ours = metadataOf(parseActivations(config), metadata.n_imgs);
    const same = [
      isDeepStrictEqual({ ...ours }, metadata),
      hashedText(ours) === hashed_json,
      metadataHash(ours) === sha256,
      metadataText(ours) === metadata_json_file,
      metadataHash(parseMetadata(JSON.parse(metadata_json_file))) === sha256,
    ];
    yield exact(
      `shards/metadata_hashes.json case ${i} (${dataset})`,
      same.filter((ok) => !ok).length,
      "values, text, SHA-256",
    );
  }
}

function* folders(folder: string): Iterable<Outcome> {
  const index = readJson(folder, "shards", "index.json") as Record<
    string,
    { hash: string; config: Json; metadata: { n_imgs: number } }
  >;
  for (const [name, { hash, config, metadata }] of Object.entries(index)) {
    const ours = metadataOf(parseActivations(config), metadata.n_imgs);
    const text = readFileSync(join(folder, "shards", hash, "metadata.json"), "utf8");
    const same = [
      metadataText(ours) === text,
      metadataHash(ours) === hash,
      metadataHash(parseMetadata(JSON.parse(text))) === hash,
    ];
    yield exact(`shards/${name} metadata.json`, same.filter((ok) => !ok).length, "text, SHA-256");
  }
}

/** Configs that the Python package wrote: read, and written again to the same bytes in the same layout. */
function* runConfigs(folder: string): Iterable<Outcome> {
  const checkpoints = join(folder, "sae", "checkpoints");
  for (const name of readdirSync(checkpoints)) {
    const file = join(checkpoints, name, "config.json");
    if (!existsSync(file)) continue;
    const text = readFileSync(file, "utf8");
    const indent = /^ */m.exec(text.split("\n")[1] ?? "")?.[0].length ?? 0;
    const ours = documentText(Train, parseTrain(JSON.parse(text)), { indent });
    yield exact(`sae/checkpoints/${name}/config.json`, ours === text.trimEnd() ? 0 : 1, "text");
  }
}

const area: ConformanceArea = {
  name: "config",
  async *run(folder) {
    yield* sweeps(folder);
    yield* splits(folder);
    yield* hashes(folder);
    yield* folders(folder);
    yield* runConfigs(folder);
  },
};

export default area;
