/**
 * The commands against damaged inputs, full disks and folders that cannot be written: one line that names the file, exit
 * code 1, and whatever was there stays as it was.
 */
import { spawnSync } from "node:child_process";
import {
  closeSync,
  cpSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  digests,
  scratchFolder,
  writeDataset,
} from "../../packages/core-native/src/activations/testing/dataset.js";
import { writeTinyClip } from "../../packages/core-native/src/vit/testing/tiny-clip.js";
import { binary, compile, type Ended, saev, saevHere } from "../e2e/saev.js";

process.env.OMP_NUM_THREADS = "1"; // tiny models gain nothing from threads

const nImages = 24;
let folder = "";
let shards = "";
let checkpoint = "";
const at = (...parts: string[]) => path.join(folder, ...parts);
const run = (...args: string[]) => saevHere(args, { cwd: folder });

const recording = (...more: string[]) => [
  ...[
    "activations",
    "--vit-ckpt",
    "model",
    "--d-vit",
    "12",
    "--n-patches-per-img",
    "4",
    "--vit-batch-size",
    "4",
  ],
  ...["--n-workers", "1", "--n-patches-per-shard", "70", "--device", "cpu", "--vit-layers", "-1"],
  ...more,
];
const training = (...more: string[]) => [
  ...["train", "--device", "cpu", "--n-workers", "1", "--n-patches", "600", "--sae-batch-size", "32"],
  ...["--n-lr-warmup", "2", "--data.layer", "-1", "--data.n-random-samples", "50", "--sae.d-vit", "12"],
  ...["--sae.exp-factor", "2", "--sae.n-reinit-samples", "50", ...more],
];
const drawing = (...more: string[]) => [
  ...["visuals", "--data.layer", "-1", "--data.n-random-samples", "50", "--device", "cpu", "--top-k", "4"],
  ...["--n-latents", "3", "--log-freq-range", "-6", "1", "--images.root", "images", ...more],
];

beforeAll(async () => {
  compile();
  folder = scratchFolder("saev-faults-");
  await writeTinyClip(at("model"));
  await writeDataset(at("images"), nImages);
  const recorded = await run(...recording("--data.root", "images", "--quiet"));
  expect(recorded, recorded.stderr).toMatchObject({ code: 0 });
  shards = recorded.stdout.trim();
  const trained = await run(...training("--data.shard-root", shards, "--quiet"));
  expect(trained, trained.stderr).toMatchObject({ code: 0 });
  checkpoint = path.join(trained.stdout.trim(), "sae.pt");
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The last line is the error and says `message`; nothing else went wrong. */
function expectError({ code, stdout, stderr }: Ended, message: RegExp): void {
  const errors = stderr.split("\n").filter((line) => line.startsWith("saev: "));
  expect(errors, stderr).toHaveLength(1);
  expect(errors[0]).toMatch(message);
  expect(stdout).toBe("");
  expect(code).toBe(1);
}

/** Everything below a folder, by its path: to see that nothing was changed. */
const everything = (dir: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .sort()
      .map((file) => [path.relative(dir, file), readFileSync(file, "base64")]),
  );

/** Runs `saev` with a limit on the size of files, which stands in for a full disk: the same write fails. */
function withFullDisk(blocks: number, args: readonly string[]): Ended {
  const words = [
    "-c",
    `trap '' XFSZ; ulimit -f ${blocks}; exec "$0" "$@"`,
    process.execPath,
    binary,
    ...args,
  ];
  const { status, stdout, stderr } = spawnSync("sh", words, { cwd: folder, encoding: "utf8" });
  return { code: status ?? -1, stdout, stderr };
}

/** A copy of the shards with one thing changed. */
function changedShards(change: (dir: string) => void): string {
  rmSync(at("changed"), { recursive: true, force: true });
  cpSync(at(shards), at("changed"), { recursive: true });
  change(at("changed"));
  return "changed";
}

function changeMetadata(dir: string, change: Record<string, unknown>): void {
  const file = path.join(dir, "metadata.json");
  const metadata = { ...(JSON.parse(readFileSync(file, "utf8")) as object), ...change };
  writeFileSync(file, JSON.stringify(metadata, null, 4));
}

function overwrite(file: string, position: number, bytes: Uint8Array): void {
  const handle = openSync(file, "r+");
  writeSync(handle, bytes, 0, bytes.length, position);
  closeSync(handle);
}

const weights = (dir: string) => path.join(dir, "open_clip_model.safetensors");

test.each<[name: string, change: (model: string) => void, message: RegExp]>([
  ["cut short", (m) => truncateSync(weights(m), 5000), /BAD_FILE: .*safetensors: .*damaged or cut short/],
  [
    "whose header lies about its length",
    (m) => overwrite(weights(m), 0, new Uint8Array([255, 255, 255, 255, 255, 255, 255, 127])),
    /BAD_FILE: .*safetensors: the safetensors header claims 9223372036854775807 bytes/,
  ],
  [
    "whose header lies about a shape",
    (m) => {
      const text = readFileSync(weights(m), "latin1");
      writeFileSync(weights(m), text.replace('"shape":[12', '"shape":[13'), "latin1");
    },
    /BAD_FILE: .*safetensors: /,
  ],
  [
    "without its config",
    (m) => rmSync(path.join(m, "open_clip_config.json")),
    /NOT_FOUND: .*open_clip_config\.json/,
  ],
])("activations: weights %s", async (_, change, message) => {
  rmSync(at("broken"), { recursive: true, force: true });
  cpSync(at("model"), at("broken"), { recursive: true });
  change(at("broken"));
  expectError(
    await run(...recording("--data.root", "images", "--vit-ckpt", "broken", "--dump-to", "no")),
    message,
  );
  expect(existsSync(at("no"))).toBe(false);
});

test("activations: a picture cut short is named; without it the run goes on where it was", async () => {
  cpSync(at("images"), at("pictures"), { recursive: true });
  const picture = at("pictures/b/015.jpg");
  const whole = readFileSync(picture);
  truncateSync(picture, 300);
  const line = recording("--data.root", "pictures", "--dump-to", "torn");
  expectError(await run(...line), /BAD_FILE: .*pictures\/b\/015\.jpg/);
  writeFileSync(picture, whole);
  const rest = await run(...line, "--json");
  expect(JSON.parse(rest.stdout)).toMatchObject({ images: nImages, skipped: [], resumed_at: 12 });
  const [dir] = readdirSync(at("torn")) as [string];
  const { "acts000000.bin": first } = digests(at("torn", dir));
  expect(first).toBe(digests(at(shards))["acts000000.bin"]);
});

test("activations: a folder of pictures that goes away ends the run, which goes on when it is back", async () => {
  await writeDataset(at("leaving"), 600);
  const line = recording("--data.root", "leaving", "--dump-to", "left");
  const ended = await saev(line, {
    cwd: folder,
    started: () => {
      const once = setInterval(() => {
        if (!existsSync(at("left"))) return;
        clearInterval(once);
        renameSync(at("leaving"), at("away"));
      }, 2);
    },
  });
  expectError(ended, /NOT_FOUND: .*leaving.*there is no such file/);
  renameSync(at("away"), at("leaving"));
  expect((await run(...line, "--quiet")).code).toBe(0);
  expect((await run(...recording("--data.root", "leaving", "--dump-to", "stayed", "--quiet"))).code).toBe(0);
  expect(everything(at("left"))).toEqual(everything(at("stayed")));
});

test("a file where a folder should be", async () => {
  writeFileSync(at("file"), "mine");
  const images = ["--data.root", "images"];
  expectError(await run(...recording(...images, "--dump-to", "file/x")), /IO: .*file\/x.*[Nn]ot a directory/);
  const data = ["--data.shard-root", shards];
  expectError(await run(...training(...data, "--ckpt-path", "file/x")), /IO: .*file\/x: .*not a directory/);
  const ckpt = ["--ckpt", checkpoint];
  expectError(
    await run(...drawing(...data, ...ckpt, "--dump-to", "file/x")),
    /IO: .*file\/x: .*not a directory/,
  );
  expect(readFileSync(at("file"), "utf8")).toBe("mine");
});

test("a full disk", async () => {
  const data = ["--data.shard-root", shards];
  expectError(
    withFullDisk(1, recording("--data.root", "images", "--dump-to", "full")),
    /IO: cannot write .*full.*acts000000\.bin\.part: File too large/,
  );
  const [dir] = readdirSync(at("full")) as [string];
  expect(existsSync(at("full", dir, "acts000000.bin"))).toBe(false);

  expectError(
    withFullDisk(4, training(...data, "--ckpt-path", "runs", "--sae.exp-factor", "30")),
    /IO: cannot write .*runs.*sae\.pt: File too large/,
  );
  const [runId] = readdirSync(at("runs")) as [string];
  expect(readdirSync(at("runs", runId)).sort()).toEqual([
    "config.json",
    "metrics.jsonl",
    "run.json",
    "states",
  ]);
  expect(readdirSync(at("runs", runId, "states"))).toEqual([]);

  const line = drawing(...data, "--ckpt", checkpoint, "--dump-to", "seen");
  expect((await run(...line)).code).toBe(0);
  const before = everything(at("seen/sort_by_patch"));
  expectError(
    withFullDisk(2, [...line, "--n-latents", "9"]),
    /IO: cannot write .*: .*(EFBIG|File too large)/,
  );
  expect(everything(at("seen/sort_by_patch"))).toEqual(before);
});

test.each<[name: string, change: (dir: string) => void, message: RegExp]>([
  [
    "metadata.json cut short",
    (dir) => truncateSync(path.join(dir, "metadata.json"), 40),
    /BAD_FILE: .*metadata\.json: expected JSON/,
  ],
  [
    "metadata.json with larger shards",
    (dir) => changeMetadata(dir, { n_patches_per_shard: 140 }),
    /BAD_FILE: .*acts000000\.bin: expected \d+ bytes from metadata\.json, found \d+/,
  ],
  [
    "metadata.json with more images than any disk holds",
    (dir) => changeMetadata(dir, { n_imgs: 1e15 }),
    /BAD_FILE: .*metadata\.json: /,
  ],
  [
    "a shard cut short",
    (dir) => truncateSync(path.join(dir, "acts000001.bin"), 100),
    /BAD_FILE: .*acts000001\.bin: expected \d+ bytes/,
  ],
  ["a shard gone", (dir) => rmSync(path.join(dir, "acts000001.bin")), /NOT_FOUND: .*acts000001\.bin/],
  [
    "saev.json cut short",
    (dir) => writeFileSync(path.join(dir, "saev.json"), '{"x":'),
    /BAD_FILE: .*saev\.json: expected JSON/,
  ],
  [
    "a NaN",
    (dir) => overwrite(path.join(dir, "acts000000.bin"), 4 * 15, new Uint8Array([0, 0, 192, 127])),
    /NUMERIC: image 0, patch 0: the activation at dimension 3 is not finite/,
  ],
])("shards: %s stops both readers", async (_, change, message) => {
  const data = ["--data.shard-root", changedShards(change), "--data.n-random-samples", "100"];
  expectError(await run(...training(...data, "--ckpt-path", "none")), message);
  expectError(await run(...drawing(...data, "--ckpt", checkpoint, "--dump-to", "none")), message);
  const written = existsSync(at("none")) ? readdirSync(at("none")) : [];
  expect(written.filter((name) => !name.endsWith(".partial"))).toEqual([]);
});

test("train: a shard that shrinks while it is read stops the run, which keeps its SAE", async () => {
  const data = ["--data.shard-root", changedShards(() => {}), "--ckpt-path", "shrunk"];
  const ended = await saev(training(...data, "--n-patches", "100_000_000"), {
    cwd: folder,
    started: (child) => {
      child.stderr!.on("data", () => {
        // Its first line of progress.
        if (existsSync(at("shrunk")) && readdirSync(at("shrunk")).length > 0)
          truncateSync(at("changed/acts000001.bin"), 100);
      });
    },
  });
  expectError(ended, /BAD_FILE: .*acts000001\.bin shrank/);
  const [runId] = readdirSync(at("shrunk")) as [string];
  const info = await run("info", path.join("shrunk", runId, "sae.pt"), "--json");
  expect(JSON.parse(info.stdout)).toMatchObject({ kind: "sae", problems: [] });
});

test("train: a loss that is not finite stops the run, and no weights that are not are written", async () => {
  const data = ["--data.shard-root", shards, "--ckpt-path", "diverged"];
  const ended = await run(...training(...data, "--lr", "1e30", "--log-every", "1"));
  expectError(
    ended,
    /NUMERIC: step \d+: the loss of run [a-z0-9-]+ is not finite; training diverged: lower lr/,
  );
  const [runId] = readdirSync(at("diverged")) as [string];
  const lines = readFileSync(at("diverged", runId, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n");
  expect(JSON.parse(lines[1]!)).toMatchObject({ step: 1 });
  expect(JSON.parse(readFileSync(at("diverged", runId, "run.json"), "utf8"))).toMatchObject({
    status: "diverged",
  });
  // It had made no checkpoint: there are no good weights to keep.
  expect(existsSync(at("diverged", runId, "sae.pt"))).toBe(false);
});

test.each<[name: string, change: (bytes: Buffer) => Buffer, message: RegExp]>([
  ["cut short", (b) => b.subarray(0, b.length / 2), /BAD_FILE: bad\.pt: .*damaged or cut short/],
  ["empty", () => Buffer.alloc(0), /BAD_FILE: bad\.pt: expected an SAE checkpoint/],
  ["only a header", (b) => b.subarray(0, b.indexOf(10) + 1), /BAD_FILE: bad\.pt: expected a torch archive/],
  [
    "with a header that lies",
    (b) => Buffer.from(b.toString("latin1").replace(/("exp_factor": ?)2/, "$13"), "latin1"),
    /BAD_FILE: bad\.pt: the header says d_vit 12 and d_sae 36, W_enc is \[12, 24\]/,
  ],
])("visuals: an sae.pt %s", async (_, change, message) => {
  writeFileSync(at("bad.pt"), change(readFileSync(at(checkpoint))));
  const line = drawing("--data.shard-root", shards, "--ckpt", "bad.pt", "--dump-to", "never");
  expectError(await run(...line), message);
  expect(existsSync(at("never"))).toBe(false);
});

test("visuals: pictures that changed since they were recorded leave the earlier gallery as it was", async () => {
  cpSync(at("images"), at("album"), { recursive: true });
  const line = [
    ...drawing("--data.shard-root", shards, "--ckpt", checkpoint, "--dump-to", "gallery"),
    ...["--images.root", "album", "--top-k", String(nImages), "--log-value-range", "-9", "9"],
  ];
  expect((await run(...line)).code).toBe(0);
  const before = everything(at("gallery/sort_by_patch"));
  for (const file of readdirSync(at("album/b"))) truncateSync(at("album/b", file), 60);
  expectError(await run(...line, "--seed", "3"), /BAD_FILE: .*album\/b\/\d+\.(png|jpg)/);
  rmSync(at("album/b"), { recursive: true });
  expectError(await run(...line, "--seed", "4"), /: .*album/);
  expect(everything(at("gallery/sort_by_patch"))).toEqual(before);
});
