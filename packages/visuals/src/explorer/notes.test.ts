import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { Notes } from "./notes.js";

const folder = mkdtempSync(path.join(tmpdir(), "saev-notes-"));
const note = (name: string) => ({ name, note: "" });

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("two programs on one folder lose none of each other's notes", async () => {
  const file = path.join(folder, "notes.json");
  const [one, other] = [new Notes(file), new Notes(file)];
  const latents = [...Array(20).keys()];
  await Promise.all(latents.map((latent) => (latent % 2 ? one : other).write(latent, note(`n${latent}`))));
  expect(one.read()).toEqual(Object.fromEntries(latents.map((latent) => [latent, note(`n${latent}`)])));
  // What one saw of a latent is compared with what the other made of it.
  await one.write(3, { ...note("one"), was: note("n3") });
  await expect(other.write(3, { ...note("other"), was: note("n3") })).rejects.toMatchObject({
    there: note("one"),
  });
  expect(existsSync(`${file}.lock`)).toBe(false);
});

test("a lock that was left behind is taken over", async () => {
  const file = path.join(folder, "left.json");
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  writeFileSync(`${file}.lock`, JSON.stringify({ pid, host: hostname(), id: "gone" }));
  const notes = new Notes(file);
  await notes.write(1, note("a"));
  expect(notes.read()).toEqual({ 1: note("a") });
});

test("what cannot be written says which file, and later notes are tried anew", async () => {
  const missing = path.join(folder, "missing");
  const notes = new Notes(path.join(missing, "notes.json"));
  await expect(notes.write(1, note("a"))).rejects.toThrow(/cannot write .*missing.notes\.json/);
  mkdirSync(missing);
  await notes.write(1, note("a"));
  expect(notes.read()).toEqual({ 1: note("a") });
  const inTheWay = path.join(folder, "folder.json");
  mkdirSync(inTheWay);
  await expect(new Notes(inTheWay).write(1, note("a"))).rejects.toThrow(/folder\.json.*mend it or move it/);
});

/** What a refusal must say: the file, why, that nothing is lost, what to do. */
const refusal = (own: string, why: string) => ({
  code: "IO",
  message: expect.stringMatching(
    new RegExp(
      `^the note is not saved: cannot write ${path.join(own, "notes\\.json")} .*${why}.*as it was.*make ${own} writable.*saev explore$`,
    ),
  ),
});

test("a folder that one may not write to: the file, the reason and what to do are said; notes that are there stay", async () => {
  const own = path.join(folder, "not-mine");
  mkdirSync(own);
  const notes = new Notes(path.join(own, "notes.json"));
  await notes.write(1, note("kept"));
  chmodSync(folder, 0o755);
  chmodSync(own, 0o555);
  // Nothing is forbidden to root: nobody is somebody else.
  const isRoot = process.geteuid!() === 0;
  if (isRoot) process.seteuid!(65534);
  try {
    await expect(notes.write(2, note("lost?"))).rejects.toMatchObject(refusal(own, "EACCES"));
    expect(notes.read()).toEqual({ 1: note("kept") });
  } finally {
    if (isRoot) process.seteuid!(0);
    chmodSync(own, 0o755);
  }
  expect(readdirSync(own)).toEqual(["notes.json"]);
  await notes.write(2, note("after all"));
  expect(notes.read()).toEqual({ 1: note("kept"), 2: note("after all") });
});

/** Mounts its first argument read-only where only it and what it starts see it, and becomes the rest. */
const readOnly = [
  "-Urm",
  "sh",
  "-c",
  'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"',
  "sh",
];

// Where the kernel lets nobody make a mount of their own, the test above covers what Notes does with a refusal.
test.skipIf(spawnSync("unshare", [...readOnly, folder, "true"]).status !== 0)(
  "a disk that is read-only is said to be so",
  () => {
    const own = path.join(folder, "read-only");
    mkdirSync(own);
    writeFileSync(path.join(own, "notes.json"), '{"1": {"name": "kept", "note": ""}}');
    const script = `
    const { Notes } = await import(${JSON.stringify(new URL("./notes.ts", import.meta.url).href)});
    const notes = new Notes(process.argv[1]);
    const error = await notes.write(2, { name: "lost?", note: "" }).catch((error) => error);
    console.log(JSON.stringify({ code: error.code, message: error.message, notes: notes.read() }));`;
    const loader = path.resolve(import.meta.dirname, "../../../../scripts/source/register.mjs");
    const node = [
      process.execPath,
      "--import",
      loader,
      "--input-type=module",
      "-e",
      script,
      path.join(own, "notes.json"),
    ];
    const { stdout, stderr } = spawnSync("unshare", [...readOnly, own, ...node], { encoding: "utf8" });
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toMatchObject({ ...refusal(own, "EROFS"), notes: { 1: note("kept") } });
    expect(readdirSync(own)).toEqual(["notes.json"]);
  },
);
