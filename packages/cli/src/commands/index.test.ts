import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { commands } from "./index.js";

test("every command is listed under the name that it answers to", async () => {
  const files = readdirSync(import.meta.dirname)
    .map((file) => /^(?!index|saev-command)([\w-]+)\.ts$/.exec(file)?.[1])
    .filter((name) => name !== undefined);
  expect(commands.map(({ name }) => name).toSorted()).toEqual(files.toSorted());
  for (const { name, load } of commands) expect((await load()).paths).toEqual([[name]]);
});
