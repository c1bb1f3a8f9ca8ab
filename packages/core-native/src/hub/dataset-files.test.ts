import { execFile, execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parquetOfHub } from "../datasets/hugging-face.js";
import { openDataset } from "../images/image-dataset.js";
import { python } from "../io/python.test-util.js";
import { HubServer, sha256 } from "./testing/hub-server.js";

const commit = "4444567890abcdef0123456789abcdef01234567";
const other = "5555567890abcdef0123456789abcdef01234567";
const fixtures = path.resolve(import.meta.dirname, "../../../../test/fixtures/datasets/hub/data");
const bytesOf = (name: string) => readFileSync(path.join(fixtures, name));
const train = ["train-00000-of-00002.parquet", "train-00001-of-00002.parquet"] as const;
const validation = "validation-00000-of-00001.parquet";
const files = {
  "README.md": Buffer.from("# birds\n"),
  ...Object.fromEntries([...train, validation].map((name) => [`data/${name}`, bytesOf(name)])),
};
const root = mkdtempSync(path.join(tmpdir(), "saev-hub-datasets-"));
const hasHub = python !== undefined && spawnSync(python, ["-c", "import huggingface_hub"]).status === 0;
if (!hasHub) console.warn("skipping what needs Python's huggingface_hub: $SAEV_PYTHON has none");

let hub: HubServer;
let cache: string;
const http = { backoffMs: 5, stallMs: 1000 };
beforeEach(async () => {
  for (const name of Object.keys(process.env)) {
    if (/^(HF_|HUGGING|SAEV_CACHE|https?_proxy|no_proxy)/i.test(name)) vi.stubEnv(name, undefined);
  }
  hub = await HubServer.start({ "datasets/org/birds": { commit, files } });
  cache = mkdtempSync(path.join(root, "cache-"));
  vi.stubEnv("HF_HUB_CACHE", cache);
  vi.stubEnv("HF_HOME", path.join(cache, "home"));
  vi.stubEnv("HF_ENDPOINT", hub.url);
  vi.stubEnv("HF_HUB_DISABLE_TELEMETRY", "1");
  vi.stubEnv("HF_HUB_DISABLE_PROGRESS_BARS", "1");
  vi.stubEnv("HF_HUB_DISABLE_XET", "1");
});
afterEach(async () => {
  await hub.stop();
  vi.unstubAllEnvs();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const repo = (name = "birds") => path.join(cache, `datasets--org--${name}`);
const snapshot = (name?: string, of = commit) => path.join(repo(name), "snapshots", of);
const off = () => vi.stubEnv("HF_HUB_OFFLINE", "1");
const images = (name: string, split = "train") =>
  openDataset({ kind: "imagenet-dataset", name, split }, { http });
const tars = (pattern: string) => openDataset({ kind: "webdataset-dataset", tars: pattern }, { http });
const gets = () => hub.gets.map(({ path }) => path.split("/").at(-1)).sort();

describe("a dataset in parquet files", () => {
  it("is downloaded once, a split at a time, and read as from a folder", async () => {
    const progress: [string, number, number | undefined][] = [];
    const found = await parquetOfHub("org/birds", "train", {
      onProgress: ({ file, done, total }) => progress.push([file, done, total]),
    });
    const size = train.reduce((sum, name) => sum + bytesOf(name).length, 0);
    expect(found).toEqual({
      root: snapshot(),
      files: train.map((name) => path.join(snapshot(), "data", name)),
      commit,
      downloaded: 2,
    });
    expect(progress.at(-1)).toEqual(["2 files of org/birds", size, size]);
    expect(gets()).toEqual([...train]);
    expect(readFileSync(path.join(repo(), "refs/main"), "utf8")).toBe(commit);
    expect(readdirSync(path.join(repo(), "blobs")).sort()).toEqual(
      train.map((n) => sha256(bytesOf(n))).sort(),
    );
    expect(readdirSync(path.join(cache, ".locks/datasets--org--birds"))).toEqual([]);

    hub.seen.length = 0;
    const dataset = await images("org/birds");
    expect([dataset.length, dataset.classes]).toEqual([11, ["cat", "dog", "snowy owl"]]);
    const folder = await images(path.dirname(fixtures));
    for (let i = 0; i < 11; i++) expect(await dataset.image(i)).toEqual(await folder.image(i));
    // Whether the branch moved is asked; nothing is fetched.
    expect(hub.seen.map(({ path }) => path)).toEqual(["/api/datasets/org/birds/revision/main"]);
    expect((await images("org/birds", "validation")).length).toBe(4);
    expect(gets()).toEqual([validation]);

    hub.seen.length = 0;
    off();
    for (const name of [
      "org/birds",
      `org/birds@${commit}`,
      "hf:org/birds",
      "hf://datasets/org/birds",
      "org/birds/data",
    ])
      expect((await images(name)).length).toBe(11);
    expect(hub.seen).toEqual([]);
  });

  it("comes from the branch that the hub converts datasets into when it is in other files", async () => {
    hub.repos.set("datasets/org/loose", {
      commit,
      files: { "pictures.zip": Buffer.alloc(10) },
      branches: {
        "refs/convert/parquet": {
          commit: other,
          files: {
            "default/train/0000.parquet": bytesOf(train[0]),
            "default/train/0001.parquet": bytesOf(train[1]),
            "default/test/0000.parquet": bytesOf(validation),
            "extra/train/0000.parquet": bytesOf(validation),
          },
        },
      },
    });
    expect((await images("org/loose")).length).toBe(11);
    expect(gets()).toEqual(["0000.parquet", "0001.parquet"]);
    expect(readFileSync(path.join(repo("loose"), "refs/refs/convert/parquet"), "utf8")).toBe(other);
    expect((await images("org/loose/extra")).length).toBe(4);
    expect((await images("org/loose@refs/convert/parquet", "test")).length).toBe(4);
    await expect(images("org/loose", "dev")).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringMatching(/org\/loose@refs\/convert\/parquet: .*found the splits test, train$/),
    });
    off();
    expect((await images("org/loose")).length).toBe(11);
    // One of those numbers is not there: it is no smaller dataset.
    rmSync(path.join(snapshot("loose", other), "default/train/0000.parquet"));
    await expect(images("org/loose")).rejects.toMatchObject({
      message: expect.stringMatching(
        /expected number 0 of the files .*: fetch it once with saev download --dataset/,
      ),
    });
  });

  it("asks which of several configurations is meant", async () => {
    hub.repos.set("datasets/org/two", {
      commit,
      files: {
        "en/train-00000-of-00001.parquet": bytesOf(validation),
        "fr/train/0000.parquet": bytesOf(train[1]),
      },
    });
    await expect(images("org/two")).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringMatching(/is in 2 configurations; name one: org\/two\/en, org\/two\/fr$/),
    });
    expect((await images("org/two/en")).length).toBe(4);
    expect(gets()).toEqual(["train-00000-of-00001.parquet"]);
  });

  it("goes on where it was cut, and has no name before all of it is right", async () => {
    const blob = (name: string) => path.join(repo(), "blobs", `${sha256(bytesOf(name))}.saev.incomplete`);
    const size = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    hub.arrived = () => Math.max(...train.map((name) => size(blob(name))));
    hub.faults = Array.from({ length: 12 }, (_, i) => ({ do: "cut", after: i === 0 ? 700 : 0 }));
    await expect(images("org/birds")).rejects.toMatchObject({ code: "IO" });
    expect(readdirSync(repo())).toEqual(["blobs"]);
    const kept = train.map((name) => size(blob(name))).filter((n) => n > 0);
    expect(kept).toEqual([700]);
    hub.faults = [];
    hub.seen.length = 0;
    expect((await images("org/birds")).length).toBe(11);
    expect(hub.gets.map(({ range }) => range ?? "all").sort()).toEqual(["all", "bytes=700-"]);
  });

  it("is refused when its bytes are not those promised, and when there is no room", async () => {
    hub.faults = Array.from({ length: 4 }, () => ({ do: "corrupt" }));
    await expect(images("org/birds")).rejects.toMatchObject({
      code: "BAD_FILE",
      message: expect.stringMatching(/parquet of org\/birds: expected bytes with sha256/),
    });
    expect(readdirSync(repo())).toEqual(["blobs"]);
    const huge = { "x-linked-etag": `"${"a".repeat(64)}"`, "x-linked-size": "9000000000000000", etag: '"b"' };
    hub.faults = [];
    hub.seen.length = 0;
    const list = hub.metadataFaults;
    list.push(
      { do: "pass" },
      { do: "status", status: 200, headers: huge },
      { do: "status", status: 200, headers: huge },
    );
    await expect(images("org/birds")).rejects.toMatchObject({
      code: "IO",
      message: expect.stringMatching(/org\/birds: 18000000000000000 bytes are to come and .* has room for/),
    });
    expect(hub.gets).toEqual([]);
  });

  it("stops when it is told to, and goes on with what it has", async () => {
    hub.faults = [
      { do: "stall", after: 500 },
      { do: "stall", after: 500 },
    ];
    const controller = new AbortController();
    const reason = new Error("enough");
    const run = parquetOfHub("org/birds", "train", { signal: controller.signal });
    const blobs = path.join(repo(), "blobs");
    const timer = setInterval(() => {
      const begun = existsSync(blobs) ? readdirSync(blobs) : [];
      if (begun.some((name) => statSync(path.join(blobs, name)).size > 0)) controller.abort(reason);
    }, 5);
    await expect(run).rejects.toBe(reason);
    clearInterval(timer);
    hub.faults = [];
    expect(readdirSync(repo())).toEqual(["blobs"]);
    expect((await images("org/birds")).length).toBe(11);
  });

  it("says what to do when it is not there, private, or not here", async () => {
    await expect(images("org/none")).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringMatching(/org\/none: .*there is no such repository/),
    });
    await expect(images("org/birds@v2")).rejects.toMatchObject({
      message: expect.stringMatching(/no such revision/),
    });
    await expect(images("org/birds", "test")).rejects.toMatchObject({
      message: expect.stringMatching(
        /^org\/birds: expected parquet files of the split "test".*found the splits train, validation$/,
      ),
    });
    await expect(images("no dataset")).rejects.toMatchObject({
      message: expect.stringMatching(/expected a folder of parquet files or a dataset of the hub/),
    });
    hub.token = "hf_x";
    await expect(images("org/birds")).rejects.toMatchObject({
      message: expect.stringMatching(/set HF_TOKEN/),
    });
    hub.token = undefined;
    off();
    await expect(images("org/birds")).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringMatching(
        /org\/birds is not in the hub's caches .*network is off .*saev download --dataset org\/birds --split train$/,
      ),
    });
    vi.stubEnv("HF_HUB_OFFLINE", "0");
    await images("org/birds");
    off();
    await expect(images("org/birds", "validation")).rejects.toMatchObject({
      message: expect.stringMatching(/found the splits train; the network is off .*--split validation$/),
    });
  });

  it("comes from the cache when nobody answers, which is said", async () => {
    await images("org/birds");
    await hub.stop();
    const notes: string[] = [];
    const found = await parquetOfHub("org/birds", "train", { http, onNote: (note) => notes.push(note) });
    expect([found.files.length, found.downloaded]).toEqual([2, 0]);
    expect(notes).toEqual([expect.stringMatching(/cannot reach .*; using the cached copy of org\/birds/)]);
    hub = await HubServer.start();
  });
});

describe("a dataset of archives", () => {
  const archive = (n: number): Buffer => {
    const folder = mkdtempSync(path.join(root, "tar-"));
    mkdirSync(folder, { recursive: true });
    for (let i = 0; i < 2; i++) {
      writeFileSync(path.join(folder, `${n}${i}.png`), Buffer.alloc(900, n));
      writeFileSync(path.join(folder, `${n}${i}.cls`), `${i}`);
    }
    execFileSync("tar", ["-cf", "../a.tar", "--sort=name", "."], { cwd: folder });
    return readFileSync(path.join(folder, "../a.tar"));
  };

  it("is downloaded by a pattern, with the names of its classes", async () => {
    const all = [0, 1, 2].map((n) => [`wds/train-00${n}.tar`, archive(n)]);
    hub.repos.set("datasets/org/wds", {
      commit,
      files: {
        ...Object.fromEntries(all),
        "wds/test-000.tar": archive(3),
        "wds/classes.txt": Buffer.from("owl\nox\n"),
        "top.tar": archive(4),
      },
    });
    const dataset = await tars("hf://datasets/org/wds/wds/train-{000..001}.tar");
    expect([dataset.length, dataset.classes]).toEqual([4, ["owl", "ox"]]);
    expect(await Promise.all([0, 1, 2, 3].map((i) => dataset.label(i)))).toEqual(["owl", "ox", "owl", "ox"]);
    expect(((await dataset.image(3)) as Uint8Array)[0]).toBe(1);
    expect(gets()).toEqual(["classes.txt", "train-000.tar", "train-001.tar"]);
    expect((await tars("hf:org/wds/wds/*.tar")).length).toBe(8);
    expect((await tars("hf:org/wds/wds")).length).toBe(8);
    expect((await tars("hf:org/wds")).length).toBe(2);
    await expect(tars("hf:org/wds/none-*.tar")).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringMatching(/expected archives that fit none-\*\.tar, found wds\/train-000\.tar, /),
    });
    off();
    expect((await tars("hf:org/wds@main/wds/train-*.tar")).length).toBe(6);
    expect(gets().length).toBe(6);
  });
});

describe.skipIf(!hasHub)("Python's huggingface_hub", () => {
  const run = async (program: string): Promise<string> =>
    (await promisify(execFile)(python!, ["-c", program])).stdout.trim();

  it("finds what saev downloaded, offline", async () => {
    hub.repos.set("datasets/org/loose", {
      commit,
      files: { "a.zip": Buffer.alloc(3) },
      branches: {
        "refs/convert/parquet": {
          commit: other,
          files: { "default/train/0000.parquet": bytesOf(validation) },
        },
      },
    });
    const ours = await parquetOfHub("org/birds", "train");
    const loose = await parquetOfHub("org/loose", "train");
    const requests = hub.seen.length;
    off();
    const found = await run(`
import json
from huggingface_hub import hf_hub_download, scan_cache_dir, snapshot_download
scan = scan_cache_dir()
get = lambda repo, file, **k: hf_hub_download(repo, file, repo_type="dataset", **k)
print(json.dumps({
  "file": get("org/birds", "data/${train[1]}"),
  "commit": get("org/birds", "data/${train[0]}", revision="${commit}"),
  "snapshot": snapshot_download("org/birds", repo_type="dataset"),
  "converted": get("org/loose", "default/train/0000.parquet", revision="refs/convert/parquet"),
  "warnings": [str(w) for w in scan.warnings],
  "repos": sorted((r.repo_id, r.repo_type, sorted(r.refs), r.nb_files) for r in scan.repos),
}))`);
    expect(JSON.parse(found)).toEqual({
      file: ours.files[1],
      commit: ours.files[0],
      snapshot: ours.root,
      converted: loose.files[0],
      warnings: [],
      repos: [
        ["org/birds", "dataset", ["main"], 2],
        ["org/loose", "dataset", ["refs/convert/parquet"], 1],
      ],
    });
    expect(hub.seen.length).toBe(requests);
  });

  it("downloaded what saev finds, offline and without fetching it again, and each completes the other's", async () => {
    const theirs = await run(`
from huggingface_hub import hf_hub_download
print(hf_hub_download("org/birds", "data/${train[0]}", repo_type="dataset"))`);
    expect(theirs).toBe(path.join(snapshot(), "data", train[0]));
    expect((await images("org/birds")).length).toBe(11);
    expect(gets()).toEqual([...train]);
    await run(`
from huggingface_hub import snapshot_download
print(snapshot_download("org/birds", repo_type="dataset", max_workers=1))`);
    expect(gets().filter((name) => name?.startsWith("train"))).toEqual([...train]);
    off();
    hub.seen.length = 0;
    expect((await images("org/birds", "validation")).length).toBe(4);
    expect((await images("org/birds")).length).toBe(11);
    expect(hub.seen).toEqual([]);
  });
});
