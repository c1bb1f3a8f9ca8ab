/** The reference of flags: every field of every config, every option. */
import { execFileSync } from "node:child_process";
import path from "node:path";
import { Activations, Evaluate, flagTable, Inference, Train, Visuals } from "@saev/config";
import { expect, test } from "vitest";
import type { CommandPage } from "../../scripts/docs/command-pages.js";
import { root } from "../e2e/saev.js";

test("every flag of every config has its line, with its meaning and default", () => {
  const script = ["scripts/source/register.mjs", "scripts/docs/command-pages.ts"].map((file) =>
    path.join(root, file),
  );
  const out = execFileSync(process.execPath, ["--import", ...script], {
    encoding: "utf8",
    maxBuffer: 1 << 24,
  });
  const pages: readonly CommandPage[] = JSON.parse(out);
  const schemas = {
    activations: Activations,
    train: Train,
    evaluate: Evaluate,
    latents: Inference,
    visuals: Visuals,
  };
  for (const [name, schema] of Object.entries(schemas)) {
    const { text } = pages.find((page) => page.name === name)!;
    const { flags, unions } = flagTable(schema as typeof Train);
    const all = [...flags, ...unions.flatMap(({ members }) => members.flatMap((member) => member.flags))];
    expect(all.length).toBeGreaterThan(10);
    for (const { flag } of all) {
      const line = text.split("\n").find((each) => new RegExp(`^\\| \`${flag}[ \`,]`).test(each));
      expect(line, `${name}: ${flag}`).toMatch(/^\| `.+` \| .{10,} \| `.*` \|$/);
    }
    for (const { members } of unions)
      for (const { subcommand } of members) expect(text).toContain(`## ${subcommand}`);
  }
  expect(pages.length).toBeGreaterThan(13);
  for (const { name, text } of pages) {
    expect(text).toMatch(new RegExp(`^# saev ${name}\\n`));
    // What Vue would take for its own.
    expect(text.replaceAll(/`[^`]*`/g, "")).not.toMatch(/\{\{|<[a-z]/);
  }
});
