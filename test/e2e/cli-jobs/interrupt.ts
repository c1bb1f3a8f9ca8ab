import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { type Ended, saev, saevOnTerminal } from "../saev.js";
import { at, folder, hashes, made, run } from "./workspace.js";

/** Signals in the middle of each job. The folder holds shards and an SAE. */
export function stopping(): void {
  // A second may be over on a machine that does much else: such a test may try again.
  const again = { retry: 2 };

  /** Presses Ctrl-C when the terminal shows `when`; gives the end and the seconds from the key to it. */
  async function interrupted(args: readonly string[], when: RegExp): Promise<Ended & { seconds: number }> {
    let pressed = 0;
    const ended = await saevOnTerminal(args, {
      cwd: folder,
      onOutput: (seen, type) => {
        if (pressed > 0 || !when.test(stripVTControlCharacters(seen))) return;
        pressed = performance.now();
        type("\u0003");
      },
    });
    expect(pressed).toBeGreaterThan(0);
    return { ...ended, seconds: (performance.now() - pressed) / 1000 };
  }

  test(
    "activations: stops within a second, goes on later with a bar, and ends with the same bytes",
    again,
    async () => {
      for (const name of ["stopped", "undisturbed"]) rmSync(at(name), { recursive: true, force: true });
      const line = ["activations", "--config", "activations.toml", "--data.root", "many"];
      const ended = await interrupted([...line, "--dump-to", "stopped"], /recording .* [1-9]\d*\/160 images/);
      const text = stripVTControlCharacters(ended.stdout);
      expect(ended.code).toBe(130);
      expect(text).toContain("stopping; Ctrl-C again stops at once");
      expect(text).toMatch(
        /saev: INTERRUPTED: stopped by SIGINT; whole batches are kept: run the same command again/,
      );
      expect(ended.seconds).toBeLessThan(1);
      const [dir] = readdirSync(at("stopped")) as [string];
      const info = JSON.parse((await run("info", path.join("stopped", dir), "--json")).stdout) as {
        complete: boolean;
        images_done: number;
      };
      expect(info.complete).toBe(false);

      expect(info.images_done).toBeGreaterThan(0);
      expect(info.images_done).toBeLessThan(160);

      const env = { LANG: "C.UTF-8" };
      const rest = await saevOnTerminal([...line, "--dump-to", "stopped"], { cwd: folder, env });
      expect(rest.code).toBe(0);
      const shown = stripVTControlCharacters(rest.stdout);
      expect(shown).toMatch(
        /recording {2}█+░+ {2} ?\d+% {2}\d+\/160 images {2}[\d.]+ images\/s {2}0:\d\d left/,
      );
      expect(shown).toMatch(/recording: 160 images in 0:\d\d/);
      expect((await run(...line, "--dump-to", "undisturbed", "--quiet")).code).toBe(0);
      expect(hashes(at("stopped"))).toEqual(hashes(at("undisturbed")));
    },
  );

  test("train: stops within a second, keeps the state so far", again, async () => {
    for (const name of ["long"]) rmSync(at(name), { recursive: true, force: true });
    const line = [
      "train",
      "--config",
      "train.toml",
      "--data.shard-root",
      made.shards,
      "--n-patches",
      "100_000_000",
      "--ckpt-path",
      "long",
    ];
    const ended = await interrupted(line, /training .* [1-9][\d,]*\/[\d,]+ steps/);
    const text = stripVTControlCharacters(ended.stdout);
    expect(ended.code).toBe(130);
    expect(ended.seconds).toBeLessThan(1);
    expect(text).toMatch(/stopped after \d+ steps; the state so far is in long/);
    const [runId] = readdirSync(at("long")) as [string];
    expect(JSON.parse((await run("info", path.join("long", runId), "--json")).stdout)).toMatchObject({
      kind: "run",
      sae: { d_sae: 256 },
      problems: [],
    });
  });

  test("visuals: stops within a second and leaves no half a gallery", again, async () => {
    for (const name of ["half"]) rmSync(at(name), { recursive: true, force: true });
    const line = [
      "visuals",
      "--ckpt",
      made.checkpoint,
      "--data.shard-root",
      made.shards,
      "--data.n-random-samples",
      "500",
      "--top-k",
      "12",
    ];
    const more = [
      "--device",
      "cpu",
      "--n-latents",
      "200",
      "--n-workers",
      "1",
      "--log-freq-range",
      "-6",
      "1",
      "--dump-to",
      "half",
    ];
    const images = ["images:image-folder-dataset", "--images.root", "few"];
    const ended = await interrupted(
      [...line, ...more, ...images],
      /drawing .*\d+\/\d+ images|ranking .*activations/,
    );
    expect(ended.code).toBe(130);
    expect(ended.seconds).toBeLessThan(1);
    expect(existsSync(at("half/sort_by_patch"))).toBe(false);
  });

  test("SIGTERM to a process without a terminal does the same, with its own exit code", async () => {
    const line = [
      "activations",
      "--config",
      "activations.toml",
      "--data.root",
      "many",
      "--dump-to",
      "terminated",
    ];
    const ended = await saev(line, {
      cwd: folder,
      started: (child) => {
        const once = setInterval(() => {
          if (!existsSync(at("terminated"))) return;
          clearInterval(once);
          child.kill("SIGTERM");
        }, 5);
      },
    });
    expect(ended.code).toBe(143);
    expect(ended.stderr).toMatch(/saev: INTERRUPTED: stopped by SIGTERM; whole batches are kept/);
  });

  test("a second one stops at once, whatever the work does", async () => {
    const program = at("stubborn.mjs");
    const interrupt = new URL("../../../packages/cli/dist/interrupt.js", import.meta.url);
    writeFileSync(
      program,
      `import { interruptible } from ${JSON.stringify(interrupt.href)};
       const work = () => new Promise((resolve) => setTimeout(resolve, 60_000));
       setTimeout(() => process.kill(process.pid, "SIGINT"), 10);
       await interruptible(work, () => process.kill(process.pid, "SIGINT"));`,
    );
    const start = performance.now();
    const { spawnSync } = await import("node:child_process");
    expect(spawnSync(process.execPath, [program]).status).toBe(130);
    expect(performance.now() - start).toBeLessThan(10_000);
  });
}
