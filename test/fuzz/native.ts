/** libFuzzer over the C++ parsers: builds the targets, runs one, reads what it printed. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { findClang, sanitizers } from "./clang.js";
import { folders, root } from "./folders.js";
import type { FuzzResult } from "./result.js";

const native = path.join(root, "packages/core-native/native");

interface NativeTarget {
  readonly name: string;
  /** Dictionaries of fuzz/dictionaries, put together. */
  readonly words: readonly string[];
  /** Which binary it is part of. */
  readonly binary: "parsers" | "tensors";
}

export const nativeTargets: readonly NativeTarget[] = [
  { name: "safetensors", words: ["json", "safetensors"], binary: "parsers" },
  { name: "torch-zip", words: ["zip", "pickle"], binary: "parsers" },
  { name: "zip", words: ["zip"], binary: "parsers" },
  { name: "inflate", words: [], binary: "parsers" },
  { name: "pickle", words: ["pickle"], binary: "parsers" },
  { name: "torch-stream", words: ["pickle"], binary: "parsers" },
  { name: "sae-pt", words: ["zip", "pickle"], binary: "parsers" },
  { name: "json", words: ["json"], binary: "parsers" },
  { name: "shard-status", words: ["json"], binary: "parsers" },
  { name: "checksums", words: ["checksums"], binary: "parsers" },
  { name: "tensor-file", words: ["zip", "pickle", "safetensors"], binary: "tensors" },
];

/** Everything the parsers are made of, without libtorch's libraries. */
const parserSources = [
  ..."checksums dtypes inflate json mapped_file numel pickle pickle_step pickled_config safetensors_header shard_layout shard_status torch_index"
    .split(" ")
    .concat("torch_index_collect", "zip_directory", "atomic_file")
    .map((name) => `io/${name}.cc`),
  "core/crc32.cc",
  "core/error.cc",
  "fuzz/main.cc",
  "fuzz/targets.cc",
];
const tensorSources = [
  "fuzz/tensor_targets.cc",
  "io/tensor_file.cc",
  "io/safetensors.cc",
  "io/torch_archive.cc",
];

/** Longest input, in bytes; a parser that takes more memory than this many MiB for it fails. */
const maxBytes = 8192;
const maxMib = 96;

/** Compiles what changed. Returns the binary. */
async function build(binary: NativeTarget["binary"]): Promise<string> {
  const clang = findClang();
  const out = path.join(folders.build, binary);
  const objects = path.join(folders.build, `${binary}-objects`);
  mkdirSync(objects, { recursive: true });
  const sources = binary === "parsers" ? parserSources : [...parserSources, ...tensorSources];
  const { include, lib } = await libtorch();
  const flags = [
    "-std=c++20",
    "-O1",
    "-g",
    ...sanitizers,
    `-I${native}`,
    ...include.flatMap((folder) => ["-isystem", folder]),
    ...(binary === "tensors" ? ["-DSAEV_FUZZ_TENSORS"] : []),
  ];
  const newest = newestHeader();
  const compiled = sources.map((source) => {
    const object = path.join(objects, source.replaceAll("/", "_").replace(/cc$/, "o"));
    const from = path.join(native, source);
    if (!existsSync(object) || statSync(object).mtimeMs < Math.max(newest, statSync(from).mtimeMs))
      run(clang, [...flags, "-c", from, "-o", object]);
    return object;
  });
  const link = binary === "tensors" ? [`-L${lib}`, "-lc10", "-ltorch_cpu", `-Wl,-rpath,${lib}`] : [];
  run(clang, [...sanitizers, ...compiled, ...link, "-o", out]);
  return out;
}

function newestHeader(): number {
  const headers = readdirSync(native, { recursive: true, encoding: "utf8" }).filter((f) => f.endsWith(".h"));
  return Math.max(...headers.map((file) => statSync(path.join(native, file)).mtimeMs));
}

async function libtorch(): Promise<{ include: string[]; lib: string }> {
  const { findLibtorch } = await import("../../packages/core-native/src/libtorch/find.js");
  const { found } = findLibtorch("cpu");
  if (found === undefined) throw new Error("libtorch is missing, whose headers name dtypes: npm run setup");
  const include = path.join(found.folder, "include");
  return {
    include: [include, path.join(include, "torch/csrc/api/include")],
    lib: path.join(found.folder, "lib"),
  };
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} failed: ${stderr}`);
}

/** Runs `runs` inputs, from the committed corpus, what earlier runs found, and `seeds`. */
export async function fuzzNative(name: string, runs: number, seeds: readonly string[]): Promise<FuzzResult> {
  const target = nativeTargets.find((t) => t.name === name)!;
  const binary = await build(target.binary);
  const corpus = path.join(folders.corpora, name);
  const findings = path.join(folders.findings, name);
  const dictionary = path.join(folders.build, `${name}.dict`);
  for (const folder of [corpus, findings]) mkdirSync(folder, { recursive: true });
  writeFileSync(
    dictionary,
    target.words
      .map((word) => readFileSync(path.join(folders.dictionaries, `${word}.dict`), "utf8"))
      .join(""),
  );
  const before = new Set(readdirSync(findings));
  const started = performance.now();
  const text = await output(
    binary,
    [
      `-runs=${runs}`,
      // libFuzzer refuses an empty one.
      ...(target.words.length > 0 ? [`-dict=${dictionary}`] : []),
      `-artifact_prefix=${findings}/`,
      `-max_len=${maxBytes}`,
      `-malloc_limit_mb=${maxMib}`,
      "-rss_limit_mb=4096",
      "-timeout=10",
      "-print_final_stats=1",
      "-reload=0",
      corpus,
      ...[path.join(folders.fixtures, name), ...seeds].filter((folder) => existsSync(folder)),
    ],
    {
      SAEV_FUZZ_TARGET: name,
      ASAN_OPTIONS: "allocator_may_return_null=1",
      UBSAN_OPTIONS: "print_stacktrace=1",
    },
  );
  const found = readdirSync(findings).filter((file) => !before.has(file));
  const number = (pattern: RegExp) => Number([...text.matchAll(pattern)].at(-1)?.[1] ?? 0);
  return {
    name,
    inputs: number(/number_of_executed_units:\s+(\d+)/g),
    seconds: (performance.now() - started) / 1000,
    coverage: `${number(/ cov: (\d+) /g)} edges`,
    corpus: number(/ corp: (\d+)\//g),
    findings: found.map((file) => path.join(findings, file)),
  };
}

/** The smallest files that reach what the whole corpus reaches, into `into`. */
export async function minimise(name: string, into: string, seeds: readonly string[]): Promise<void> {
  const target = nativeTargets.find((t) => t.name === name)!;
  const binary = await build(target.binary);
  const from = [path.join(folders.corpora, name), path.join(folders.fixtures, name), ...seeds];
  await output(
    binary,
    ["-merge=1", `-max_len=${maxBytes}`, into, ...from.filter((folder) => existsSync(folder))],
    {
      SAEV_FUZZ_TARGET: name,
    },
  );
}

/** Standard error of a command, shown as it comes when it fails. */
function output(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn("nice", [command, ...args], {
      env: { ...process.env, ...env },
      stdio: ["ignore", 2, "pipe"],
    });
    let text = "";
    child.stderr!.setEncoding("utf8").on("data", (data: string) => {
      text += data;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      if (code !== 0) process.stderr.write(text.slice(-20_000));
      resolve(text);
    });
  });
}
