/** `saev names`, through the command. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeVisuals } from "../../packages/visuals/src/make-visuals.js";
import { namedRun, namedWords, rightName } from "../../packages/visuals/src/testing/named-run.js";
import { compile, saev, saevHere } from "./saev.js";

const folder = mkdtempSync(path.join(tmpdir(), "saev-names-command-"));
const vocabulary = path.join(folder, "words.txt");
const env = { ...process.env, OMP_NUM_THREADS: "1", HF_HUB_OFFLINE: "1" };
let visuals = "";

beforeAll(async () => {
  compile();
  visuals = (await makeVisuals(await namedRun(folder))).root;
  writeFileSync(vocabulary, `# thirty words\n${namedWords.join("\n")}\n`);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const names = (...words: string[]) => saevHere(["names", ...words], { env, cwd: folder });

test("names latents by the words that their directions were built of", { timeout: 60_000 }, async () => {
  const line = ["names", visuals, "--vocabulary", vocabulary, "--by", "decoder", "--json"];
  const { code, stdout } = await saev(line, { env, cwd: folder });
  expect(code).toBe(0);
  const { file, latents, vocabulary: about } = JSON.parse(stdout);
  expect(file).toBe(path.join(visuals, "names.json"));
  expect(about).toEqual({ file: vocabulary, words: namedWords.length });
  for (const [latent, [best]] of Object.entries<{ word: string }[]>(latents))
    expect(best!.word).toBe(rightName(Number(latent)));
  expect(Object.keys(JSON.parse(readFileSync(file, "utf8")).latents)).toEqual(Object.keys(latents));

  const text = await names(
    path.dirname(visuals),
    "--vocabulary",
    vocabulary,
    "--latents",
    "0",
    "--words",
    "2",
  );
  expect(text.code).toBe(0);
  expect(text.stdout).toMatch(/^latent +words \(score\)\n0 +\w+ \(-?\d\.\d\), \w+ \(-?\d\.\d\)\n/m);
  expect(text.stdout).toContain("1 latent named");
});

test("says what is wrong, and leaves earlier names", { timeout: 60_000 }, async () => {
  const before = readFileSync(path.join(visuals, "names.json"), "utf8");
  const wrong = async (...words: string[]) => {
    const { code, stderr } = await names(...words);
    return `${code}: ${stderr}`;
  };
  expect(await wrong(visuals, "--words", "0")).toMatch(/^2: .*--words: expected a whole number from 1/s);
  expect(await wrong(visuals, "--by", "magic")).toMatch(/^2: .*--by/s);
  expect(await wrong(path.join(folder, "nothing"))).toMatch(/^1: .*nothing is there/s);
  expect(await wrong(visuals, "--vocabulary", path.join(folder, "none.txt"))).toMatch(/^1: .*none\.txt/s);
  expect(await wrong(visuals, "--latents", "99")).toMatch(/^1: .*expected 0 to 7, found 99/s);
  expect(await wrong(visuals, "--template", "a photo")).toMatch(/^1: .*template: expected "\{\}"/s);
  expect(readFileSync(path.join(visuals, "names.json"), "utf8")).toBe(before);
  expect(existsSync(path.join(visuals, "names.safetensors"))).toBe(true);
});
