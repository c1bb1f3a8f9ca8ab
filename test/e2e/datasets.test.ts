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
import { compile, root, saev } from "./saev.js";

const folder = mkdtempSync(path.join(tmpdir(), "saev-datasets-"));
const at = (...parts: string[]): string => path.join(folder, ...parts);
const document = readFileSync(path.join(root, "docs/datasets.md"), "utf8");

async function run(words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await saev(words, { cwd: folder, env: { OMP_NUM_THREADS: "2" } });
  expect(code, stderr).toBe(0);
  return stdout.trim();
}

/** A section's heading, and the words of the commands in its ```sh block. */
const sections = document
  .split(/^## /m)
  .slice(1)
  .map((section) => ({
    heading: section.slice(0, section.indexOf("\n")),
    commands: [...section.matchAll(/^```sh\n(.*?)^```/gms)]
      .flatMap(([, block]) => block!.replaceAll(/\\\n/g, " ").trim().split("\n"))
      .map((line) => [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!)),
  }));

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

test("every kind has its section", () => {
  expect(
    sections
      .map(({ commands }) => path.basename(commands[1]![commands[1]!.indexOf("--dump-to") + 1]!))
      .sort(),
  ).toEqual(Object.keys(labels).sort());
});
