/** The commands of docs/datasets.md, on small datasets of every kind and the demo's model. */
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeAde20k } from "../../packages/core-native/src/datasets/testing/ade20k.js";
import { HubServer } from "../../packages/core-native/src/hub/testing/hub-server.js";
import { compile, root, saev, saevHere } from "./saev.js";

const folder = mkdtempSync(path.join(tmpdir(), "saev-datasets-"));
const at = (...parts: string[]): string => path.join(folder, ...parts);
const document = readFileSync(path.join(root, "docs/datasets.md"), "utf8");

type Variables = Readonly<Record<string, string | undefined>>;

async function run(words: readonly string[], env: Variables = {}, start = saevHere): Promise<string> {
  const { code, stdout, stderr } = await start(words, { cwd: folder, env });
  expect(code, stderr).toBe(0);
  return stdout.trim();
}

/** A section's heading, and the words of the commands in its ```sh block. */
const all = document
  .split(/^## /m)
  .slice(1)
  .map((section) => ({
    heading: section.slice(0, section.indexOf("\n")),
    commands: [...section.matchAll(/^```sh\n(.*?)^```/gms)]
      .flatMap(([, block]) => block!.replaceAll(/\\\n/g, " ").trim().split("\n"))
      .map((line) => [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!)),
  }));

const ofHub = "Datasets of the hub";
const sections = all.filter(({ heading }) => heading !== ofHub);

const labels: Readonly<Record<string, readonly string[]>> = {
  parquet: ["cat", "dog", "snowy owl"],
  folder: ["fish", "owls"],
  ade20k: ["beach", "airport_terminal"],
  webdataset: ["fish", "an owl"],
  list: ["a fish", "an owl"],
  glob: ["fish", "owls"],
};

beforeAll(async () => {
  compile();
  for (const [, name, text] of document.matchAll(/^```toml\n# (\S+)\n(.*?)^```/gms))
    writeFileSync(at(name!), text!);
  mkdirSync(at("models"));
  symlinkSync(path.join(root, "examples/data/models/clip-demo"), at("models/clip"));
  cpSync(path.join(root, "test/fixtures/datasets/hub"), at("birds"), { recursive: true });
  await writeAde20k(at("ADEChallengeData2016"), 6);

  const pictures = path.join(root, "examples/data/pictures");
  const files = readdirSync(pictures, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".jpg"))
    .sort()
    .slice(0, 10);
  const rows = ["path,label"];
  for (const [i, file] of files.entries()) {
    const label = i < 5 ? "owls" : "fish";
    const target = path.join("photographs", label, `${i}.jpg`);
    mkdirSync(path.dirname(at(target)), { recursive: true });
    copyFileSync(path.join(pictures, file), at(target));
    rows.push(`${target},${i < 5 ? "an owl" : "a fish"}`);
    mkdirSync(at("samples"), { recursive: true });
    copyFileSync(at(target), at("samples", `${i}.jpg`));
    writeFileSync(at("samples", `${i}.cls`), i < 5 ? "1" : "0");
  }
  writeFileSync(at("birds.csv"), `${rows.join("\n")}\n`);
  mkdirSync(at("tars"));
  writeFileSync(at("tars/classes.txt"), "fish\nan owl\n");
  for (const tar of [0, 1]) {
    const members = [0, 1, 2, 3, 4].map((i) => i + 5 * tar).flatMap((i) => [`${i}.cls`, `${i}.jpg`]);
    execFileSync("tar", ["-cf", at(`tars/train-00000${tar}.tar`), "-C", at("samples"), ...members]);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An SAE of 128 latents, good enough to rank pictures. */
async function train(shards: string): Promise<void> {
  const sae = ["--sae.d-vit", "128", "--sae.exp-factor", "1", "--sae.n-reinit-samples", "300"];
  const rows = [
    "--n-patches",
    "600",
    "--sae-batch-size",
    "128",
    "--data.n-random-samples",
    "300",
    "--n-workers",
    "0",
  ];
  const words = [
    "train",
    "--data.shard-root",
    shards,
    "--no-track",
    "--device",
    "cpu",
    ...rows,
    "sae:relu",
    ...sae,
  ];
  const [trained] = JSON.parse(await run([...words, "--json"])) as [{ dir: string }];
  copyFileSync(at(trained.dir, "sae.pt"), at("sae.pt"));
}

test.each(sections)("$heading", async ({ commands }) => {
  const [activations, visuals, ...more] = commands as [string[], string[]];
  expect([activations[1], visuals[1], more]).toEqual(["activations", "visuals", []]);
  const shards = await run([...activations.slice(1), "--quiet"]);
  if (!existsSync(at("sae.pt"))) await train(shards);

  const shown = visuals.slice(1).map((word) => word.replace("shards/HASH", shards));
  const gallery = await run([...shown, "--quiet"]);
  const made = path.dirname(at(gallery));
  const kind = path.basename(path.dirname(made));
  const texts = readdirSync(path.join(made, "neurons"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".txt"))
    .map((name) => readFileSync(path.join(made, "neurons", name), "utf8").trim());
  expect(texts).toHaveLength(3 * 4);
  for (const text of texts) expect(labels[kind]).toContain(text);
  const page = readFileSync(at(gallery), "utf8");
  expect(labels[kind]!.some((label) => page.includes(label))).toBe(true);

  const metadata = JSON.parse(readFileSync(at(shards, "metadata.json"), "utf8")) as { n_imgs: number };
  if (kind === "ade20k") {
    expect(statSync(at(shards, "labels.bin")).size).toBe(metadata.n_imgs * 100);
    await run(["verify", shards]);
    const plan = await run([...activations.slice(1), "--dry-run", "--json"]);
    expect(JSON.parse(plan)).toMatchObject({ dir: shards, exists: true, files: 6 });
  }
  expect(metadata.n_imgs).toBe({ parquet: 11, ade20k: 6 }[kind] ?? 10);
});

test(ofHub, async () => {
  const { commands } = all.find(({ heading }) => heading === ofHub)!;
  const parquet = path.join(root, "test/fixtures/datasets/hub/data");
  const file = (name: string): Buffer => readFileSync(path.join(parquet, name));
  const named = (folder: string, names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [`data/${name}`, readFileSync(path.join(folder, name))]));
  const hub = await HubServer.start({
    "datasets/org/birds": { commit: "1".repeat(40), files: named(parquet, readdirSync(parquet)) },
    "datasets/org/pictures": {
      commit: "2".repeat(40),
      files: Object.fromEntries(
        readdirSync(at("tars")).map((name) => [name, readFileSync(at("tars", name))]),
      ),
    },
  });
  const cleared = Object.keys(process.env).filter((name) =>
    /^(HF_|HUGGING|SAEV_CACHE|https?_proxy|no_proxy)/i.test(name),
  );
  const env = {
    ...Object.fromEntries(cleared.map((name) => [name, undefined])),
    ...{ HF_ENDPOINT: hub.url, HF_HOME: at("hub") },
  };
  const snapshot = (name: string, commit: string) =>
    at(`hub/hub/datasets--org--${name}/snapshots`, commit.repeat(40));
  try {
    const ended = [];
    for (const words of commands) ended.push(await run(words.slice(1), env, saev));
    const [validation, , archives] = ended as [string, string, string];
    expect(validation).toMatch(/^dataset +org\/birds, validation, downloaded, /m);
    expect(validation).toMatch(/^images +4 images in 1 file$/m);
    expect(validation).toContain(snapshot("birds", "1"));
    expect(archives).toMatch(/^images +10 images in 2 files$/m);
    expect(archives).toMatch(
      /^record with +data:webdataset-dataset --data.tars "hf:\/\/datasets\/org\/pictures\/train-\*\.tar"$/m,
    );
    const gets = hub.gets.length;
    const recorded = await run([...commands[1]!.slice(1), "--json"], { ...env, HF_HUB_OFFLINE: "1" });
    expect(JSON.parse(recorded)).toMatchObject({ images: 11, resumed_at: 11 });
    const again = JSON.parse(await run(["download", "--dataset", "org/birds", "--json"], env));
    expect(again).toMatchObject({
      ...{ dataset: "org/birds", split: "train", fetched: false, images: 11, folder: snapshot("birds", "1") },
      ...{ classes: ["cat", "dog", "snowy owl"], commit: "1".repeat(40) },
    });
    expect(again.files.map(({ bytes }: { bytes: number }) => bytes)).toEqual(
      [0, 1].map((i) => file(`train-0000${i}-of-00002.parquet`).length),
    );
    expect(hub.gets.length).toBe(gets);

    // A dry run downloads nothing; wrong settings end before a download.
    rmSync(at("hub"), { recursive: true });
    const plan = await saevHere([...commands[1]!.slice(1), "--dry-run"], { cwd: folder, env });
    expect(plan).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /a dry run downloads none: fetch it once with saev download --dataset org\/birds/,
      ),
    });
    const wrong = await saevHere([...commands[1]!.slice(1), "--d-vit", "64"], { cwd: folder, env });
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringMatching(/d_vit is 128, not 64/) });
    expect(hub.gets.length).toBe(gets);
  } finally {
    await hub.stop();
  }
}, 120_000);

test("every kind has its section", () => {
  expect(
    sections
      .map(({ commands }) => path.basename(commands[1]![commands[1]!.indexOf("--dump-to") + 1]!))
      .sort(),
  ).toEqual(Object.keys(labels).sort());
});
