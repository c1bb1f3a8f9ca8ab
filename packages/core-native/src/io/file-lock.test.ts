import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { withLock } from "./file-lock.js";

const root = mkdtempSync(path.join(tmpdir(), "saev-lock-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A process that takes the lock, says so, and keeps it until its input ends. */
function holder(file: string): Promise<{ end(): void; kill(): Promise<void> }> {
  const script = `
    const { withLock } = await import(${JSON.stringify(new URL("./file-lock.ts", import.meta.url).href)});
    await withLock(${JSON.stringify(file)}, async () => {
      process.stdout.write("held");
      await new Promise((done) => process.stdin.on("end", done).resume());
    });`;
  const loader = path.resolve(import.meta.dirname, "../../../../scripts/source/register.mjs");
  const child = spawn(process.execPath, ["--import", loader, "--input-type=module", "-e", script], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.stdout.once("data", () =>
      resolve({
        end: () => child.stdin.end(),
        kill: () =>
          new Promise((done) => {
            child.once("close", () => done());
            child.kill("SIGKILL");
          }),
      }),
    );
  });
}

describe("withLock", () => {
  it("lets one at a time through", async () => {
    const file = path.join(root, "one");
    let inside = 0;
    let most = 0;
    const work = () =>
      withLock(
        file,
        async () => {
          inside += 1;
          most = Math.max(most, inside);
          await new Promise((done) => setTimeout(done, 5));
          inside -= 1;
        },
        { beatMs: 5 },
      );
    await Promise.all(Array.from({ length: 8 }, work));
    expect(most).toBe(1);
    expect(readdirSync(root)).toEqual([]);
  });

  it("waits for another process, says for which, and goes on when it is done", async () => {
    const file = path.join(root, "two");
    const other = await holder(file);
    const waited: string[] = [];
    let done = false;
    const mine = withLock(
      file,
      async () => {
        done = true;
      },
      { onWait: (owner) => waited.push(owner) },
    );
    await new Promise((r) => setTimeout(r, 400));
    expect(done).toBe(false);
    expect(waited).toEqual([`process ${JSON.parse(readFileSync(file, "utf8")).pid}`]);
    other.end();
    await mine;
    expect(done).toBe(true);
  });

  it("passes on from a process that was killed", async () => {
    const file = path.join(root, "three");
    const other = await holder(file);
    await other.kill();
    expect(readdirSync(root)).toEqual(["three"]);
    await withLock(file, async () => {});
    expect(readdirSync(root)).toEqual([]);
  });

  it("passes on from another machine that gives no sign of life, and not before", async () => {
    const file = path.join(root, "four");
    writeFileSync(file, JSON.stringify({ pid: 1, host: `not-${hostname()}`, id: "x" }));
    const start = performance.now();
    const waited: string[] = [];
    await withLock(file, async () => {}, { staleMs: 300, beatMs: 50, onWait: (owner) => waited.push(owner) });
    expect(performance.now() - start).toBeGreaterThan(290);
    expect(waited).toEqual([`process 1 on not-${hostname()}`]);
  });

  it("stops waiting when it is aborted, and leaves nothing", async () => {
    const file = path.join(root, "five");
    writeFileSync(file, JSON.stringify({ pid: 1, host: `not-${hostname()}`, id: "x" }));
    const reason = new Error("enough");
    const run = withLock(file, async () => {}, { signal: AbortSignal.timeout(50) });
    await expect(run).rejects.toMatchObject({ name: "TimeoutError" });
    await expect(withLock(file, async () => {}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(readdirSync(root)).toEqual(["five"]);
  });

  it("gives up after a while where that is asked, and names the owner and the file", async () => {
    const file = path.join(root, "six");
    writeFileSync(file, JSON.stringify({ pid: 1, host: `not-${hostname()}`, id: "x" }));
    await expect(withLock(file, async () => {}, { patienceMs: 50 })).rejects.toMatchObject({
      code: "IO",
      message: expect.stringMatching(
        /process 1 on not-.* has held the lock .*six for 0\.05 s; .*delete that file/,
      ),
    });
    expect(readdirSync(root).filter((name) => name.startsWith("six"))).toEqual(["six"]);
  });

  it("says where it cannot be made, and what was given as advice", async () => {
    const file = path.join(root, "missing", "lock");
    await expect(withLock(file, async () => {}, { advice: "go elsewhere" })).rejects.toMatchObject({
      code: "IO",
      message: `cannot make the lock ${file} (ENOENT); go elsewhere`,
    });
  });
});
