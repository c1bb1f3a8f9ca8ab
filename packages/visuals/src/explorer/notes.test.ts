import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
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
  writeFileSync(`${file}.lock`, "");
  const before = Date.now() / 1000 - 60;
  utimesSync(`${file}.lock`, before, before);
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
