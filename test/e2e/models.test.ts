import { spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { get } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { HubServer } from "../../packages/core-native/src/hub/testing/hub-server.js";
import { binary, compile, type RunOptions, root, saev, saevHere, saevOnTerminal } from "./saev.js";

beforeAll(compile);

const folder = mkdtempSync(path.join(tmpdir(), "saev-models-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A certificate of nobody known, for this machine. */
const openssl =
  spawnSync("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
    ...["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
    ...["-keyout", path.join(folder, "key.pem"), "-out", path.join(folder, "cert.pem")],
  ]).status === 0;
if (!openssl) console.warn("skipping a test of certificates: no openssl command");

const commit = "89abcdef0123456789abcdef0123456789abcdef";
const demo = path.join(root, "examples/data/models/clip-demo");
const files = Object.fromEntries(
  ["open_clip_config.json", "open_clip_model.safetensors"].map((name) => [
    name,
    readFileSync(path.join(demo, name)),
  ]),
);

let hub: HubServer;
let env: Record<string, string | undefined>;
beforeEach(async () => {
  hub = await HubServer.start({
    "imageomics/bioclip": { commit, files },
    "timm/vit_base_patch16_clip_224.openai": {
      commit,
      files: { "open_clip_model.safetensors": Buffer.alloc(2_000_000, 1) },
    },
  });
  const cleared = Object.keys(process.env).filter((name) =>
    /^(HF_|HUGGING|SAEV_CACHE|https?_proxy|no_proxy)/i.test(name),
  );
  const home = mkdtempSync(path.join(folder, "home-"));
  env = {
    ...Object.fromEntries(cleared.map((name) => [name, undefined])),
    HF_ENDPOINT: hub.url,
    HF_HOME: home,
    TORCH_HOME: path.join(home, "torch"),
  };
});
afterEach(() => hub.stop());

const run = (line: string, options: Omit<RunOptions, "started"> = {}) =>
  saevHere(line.split(" "), { ...options, env: { ...env, ...options.env } });
/** In a process of its own. */
const runAlone = (line: string, options: RunOptions = {}) =>
  saev(line.split(" "), { ...options, env: { ...env, ...options.env } });

/** Runs saev from a bash script that gets its words. */
function spawnInBash(
  script: string,
  words: readonly string[],
): Promise<{ code: number | null; stderr: string }> {
  const child = spawn("bash", ["-c", script, process.execPath, binary, ...words], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (piece) => {
    stderr += piece;
  });
  return new Promise((done) => child.on("close", (code) => done({ code, stderr })));
}

describe("saev download", () => {
  test("fetches a repository once, says where it is and how to record with it", async () => {
    const first = await runAlone("download hf-hub:imageomics/bioclip");
    expect(first).toMatchObject({ code: 0 });
    const snapshot = path.join(env.HF_HOME!, "hub/models--imageomics--bioclip/snapshots", commit);
    expect(first.stdout).toMatch(/^model\s+hf-hub:imageomics\/bioclip, downloaded, 5\.85 MB$/m);
    expect(first.stdout).toContain(snapshot);
    expect(first.stdout).toMatch(/--vit-family clip --vit-ckpt hf-hub:imageomics\/bioclip$/m);
    expect(first.stderr).toMatch(/open_clip_model\.safetensors: 6 MB in/);
    const gets = hub.gets.length;
    const again = await run("download hf-hub:imageomics/bioclip --json", { env: { HF_HUB_OFFLINE: "1" } });
    expect(JSON.parse(again.stdout)).toMatchObject({
      fetched: false,
      folder: snapshot,
      commit,
      weights: [path.join(snapshot, "open_clip_model.safetensors")],
      d_vit: 128,
      n_patches_per_img: 100,
      runs: true,
    });
    expect(hub.gets.length).toBe(gets);
    expect((await run("download hf-hub:imageomics/bioclip -q")).stdout).toBe(`${snapshot}\n`);
  });

  test.each([
    ["SIGINT", 130],
    ["SIGKILL", 137],
  ] as const)("goes on where %s stopped it", async (signal, code) => {
    hub.faults = [{ do: "stall", after: 1_000_000 }];
    const repo = path.join(env.HF_HOME!, "hub/models--timm--vit_base_patch16_clip_224.openai");
    const stopped = await runAlone("download ViT-B-16/openai", {
      started: (child) => {
        const timer = setInterval(() => {
          const [file] = existsSync(`${repo}/blobs`) ? readdirSync(`${repo}/blobs`) : [];
          if (file === undefined || statSync(`${repo}/blobs/${file}`).size === 0) return;
          clearInterval(timer);
          child.kill(signal);
        }, 20);
      },
    });
    expect(stopped.code).toBe(code);
    if (signal === "SIGINT")
      expect(stopped.stderr).toMatch(/what came is kept: the same command goes on from there/);
    expect(existsSync(path.join(repo, "snapshots"))).toBe(false);
    const done = await run("download ViT-B-16/openai");
    expect(done.code).toBe(0);
    expect(hub.gets.at(-1)!.range).toMatch(/^bytes=[1-9]\d*-$/);
    const file = path.join(repo, "snapshots", commit, "open_clip_model.safetensors");
    expect(readFileSync(file).equals(Buffer.alloc(2_000_000, 1))).toBe(true);
    expect(readdirSync(path.join(env.HF_HOME!, "hub/.locks", path.basename(repo)))).toEqual([]);
  });

  test("meets a full disk with one clear error, and goes on when there is room", async () => {
    // A limit on the size of files stands in for a full disk: the same failing write.
    const limit = `trap '' XFSZ; ulimit -f 500; exec "$0" "$@"`;
    const limited = spawnInBash(limit, ["download", "ViT-B-16/openai"]);
    expect(await limited).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /IO: .*cannot write into .*blobs \(EFBIG\); make room there, or set HF_HOME/,
      ),
    });
    const done = await run("download ViT-B-16/openai");
    expect(done.code).toBe(0);
    expect(hub.gets.map(({ range }) => range)).toEqual([undefined, "bytes=512000-"]);
  });

  test("downloads once when two processes ask", async () => {
    hub.faults = [{ do: "cut", after: 1000 }];
    const blobs = path.join(env.HF_HOME!, "hub/models--timm--vit_base_patch16_clip_224.openai/blobs");
    hub.arrived = () => {
      const [file] = existsSync(blobs) ? readdirSync(blobs) : [];
      return file === undefined
        ? 0
        : (statSync(path.join(blobs, file), { throwIfNoEntry: false })?.size ?? 0);
    };
    const both = await Promise.all([1, 2].map(() => runAlone("download ViT-B-16/openai --json")));
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(hub.gets.map(({ range }) => range)).toEqual([undefined, "bytes=1000-"]);
    expect(both.map(({ stdout }) => JSON.parse(stdout).fetched).sort()).toEqual([false, true]);
  });

  test.each([
    ["download ViT-B-16/opanai", 1, /^saev: NOT_FOUND: .*did you mean ViT-B-16\/openai\?/],
    ["download hf-hub:imageomics/gone", 1, /^saev: NOT_FOUND: imageomics\/gone: .*no such repository/],
    ["download", 2, /NAME: is missing/],
    ["download ViT-B-16/openai --split train", 2, /--split: only a dataset has splits; add --dataset/],
  ])("%s says what is wrong", async (line, code, message) => {
    const ended = await run(line);
    expect(ended).toMatchObject({ code, stdout: "", stderr: expect.stringMatching(message) });
  });

  test("shows a progress bar on a terminal", async () => {
    hub.repos.set("timm/vit_base_patch16_clip_224.openai", {
      commit,
      files: { "open_clip_model.safetensors": Buffer.alloc(40_000_000, 1) },
    });
    hub.faults = [{ do: "stall", after: 20_000_000 }];
    const ended = await saevOnTerminal(["download", "ViT-B-16/openai"], {
      env: { ...env, HF_HUB_DOWNLOAD_TIMEOUT: "2" },
      columns: 100,
    });
    expect(ended.code).toBe(0);
    const shown = stripVTControlCharacters(ended.stdout);
    expect(shown).toMatch(/open_clip_model\.safetensors.*\b\d+ ?\/ ?40 MB/);
    expect(shown).toMatch(/downloaded, 40 MB/);
  });

  test.skipIf(!openssl)("checks certificates, and with --no-ssl warns instead", async () => {
    const pem = (name: string) => path.join(folder, name);
    const keys = { key: readFileSync(pem("key.pem")), cert: readFileSync(pem("cert.pem")) };
    const server = createServer(keys, (request, response) => {
      const { method, headers } = request;
      get(`${hub.url}${request.url}`, { method, headers }, (answer) => {
        response.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(response);
      });
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const secure = { HF_ENDPOINT: `https://127.0.0.1:${(server.address() as AddressInfo).port}` };
    try {
      const line = "download hf-hub:imageomics/bioclip";
      expect(await run(line, { env: secure })).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(
          /certificate of 127\.0\.0\.1.* cannot be verified.*NODE_EXTRA_CA_CERTS/,
        ),
      });
      // Node reads it when it starts.
      const trusted = await runAlone(line, { env: { ...secure, NODE_EXTRA_CA_CERTS: pem("cert.pem") } });
      expect(trusted).toMatchObject({ code: 0 });
      expect(trusted.stderr).not.toMatch(/certificates of servers/);
      rmSync(env.HF_HOME!, { recursive: true });
      for (const flag of ["--no-ssl", "--ssl false"])
        expect(await run(`${line} ${flag}`, { env: secure }), flag).toMatchObject({
          code: 0,
          stderr: expect.stringMatching(/ssl = false: certificates of servers are not checked/),
        });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  test("never shows the token", async () => {
    hub.token = "hf_right";
    const ended = await runAlone("download hf-hub:imageomics/bioclip --log-format json", {
      env: { HF_TOKEN: "hf_WrongSecret", SAEV_DEBUG: "1" },
    });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/the token in HF_TOKEN is not accepted/);
    expect(ended.stdout + ended.stderr).not.toContain("WrongSecret");
    expect((await run("download hf-hub:imageomics/bioclip", { env: { HF_TOKEN: "hf_right" } })).code).toBe(0);
  });
});

describe("saev models", () => {
  test("lists names with sizes, and what is here", async () => {
    const { stdout, code } = await run("models ViT-L-14/openai");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ViT-L-14\/openai +clip +1024 +24 +256 +224 +yes$/m);
    expect((await run("models no-such-model")).stdout).toBe("no model fits\n");
    expect((await run("models --cached")).stdout).toBe("no model fits\n");
    await run("download hf-hub:imageomics/bioclip");
    await run("download ViT-B-16/openai");
    const cached = JSON.parse((await run("models --cached --json")).stdout);
    expect(cached).toMatchObject([
      { vit_ckpt: "ViT-B-16/openai", vit_family: "clip", d_vit: 768, cached: { bytes: 2_000_000 } },
      { vit_ckpt: "ViT-B-16-quickgelu/openai", d_vit: 768 },
      { vit_ckpt: "hf-hub:imageomics/bioclip", d_vit: 128, n_patches_per_img: 100, runs: true },
    ]);
    expect(hub.seen.every(({ path }) => !path.includes("models?"))).toBe(true);
    const siglip = JSON.parse((await run("models --family siglip --json")).stdout) as {
      vit_family: string;
    }[];
    expect(siglip.length).toBeGreaterThan(20);
    expect(new Set(siglip.map((m) => m.vit_family))).toEqual(new Set(["siglip"]));
  });
});

describe("saev activations", () => {
  test("downloads its model, and works offline afterwards", async () => {
    const images = path.join(mkdtempSync(path.join(folder, "images-")), "photographs");
    mkdirSync(path.join(images, "a"), { recursive: true });
    for (let i = 0; i < 3; i++) writeFileSync(path.join(images, `a/${i}.ppm`), ppm(40 + i, 50));
    const line = (to: string) =>
      `activations --vit-ckpt hf-hub:imageomics/bioclip --d-vit 128 --n-patches-per-img 100 --vit-batch-size 2 --device cpu --n-workers 1 --n-patches-per-shard 2000 --dump-to ${to} data:image-folder-dataset --data.root ${images} --json`;
    const online = await runAlone(line(path.join(folder, "online")));
    expect(online.stderr).not.toMatch(/error/);
    expect(online.code).toBe(0);
    const offline = await run(line(path.join(folder, "offline")), { env: { HF_HUB_OFFLINE: "1" } });
    expect(offline.code).toBe(0);
    const shard = (ended: { stdout: string }) =>
      readFileSync(path.join(JSON.parse(ended.stdout).dir, "acts000000.bin"));
    expect(shard(online).equals(shard(offline))).toBe(true);
    const refused = await run(line(path.join(folder, "none")).replace("bioclip", "other"), {
      env: { HF_HUB_OFFLINE: "1" },
    });
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/NOT_FOUND: .*saev download hf-hub:imageomics\/other/),
    });
  });
});

/** A picture of a ramp. */
function ppm(width: number, height: number): Buffer {
  const pixels = Buffer.from(Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 3) % 256));
  return Buffer.concat([Buffer.from(`P6 ${width} ${height} 255\n`), pixels]);
}

describe("docs/models.md", () => {
  const text = readFileSync(path.join(root, "docs/models.md"), "utf8");
  const commands = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)]
    .flatMap(([, block]) => block!.trim().split("\n"))
    .map((line) => line.replace(/\s+#.*$/, ""));

  test("every command does what it says", { timeout: 120_000 }, async () => {
    expect(commands.length).toBe(11);
    const cwd = mkdtempSync(path.join(folder, "docs-"));
    mkdirSync(path.join(cwd, "photographs/a"), { recursive: true });
    writeFileSync(path.join(cwd, "photographs/a/1.ppm"), ppm(30, 30));
    for (const command of commands) {
      const [, variables, words] = /^((?:\w+=\S+ )*)saev (.*)$/.exec(command)!;
      const set = Object.fromEntries(
        variables!
          .trim()
          .split(" ")
          .filter(Boolean)
          .map((v) => v.split("=")),
      );
      const ended = await run(words!, { cwd, env: set });
      expect(ended, command).toMatchObject({ code: 0 });
    }
  });

  test("its programs run", async () => {
    const programs = [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, program]) => program!);
    const expected = [/^\[ 2, 64 \] 16 \d+\.\d+\n$/, /^true 6 128 100\n$/];
    expect(programs.length).toBe(expected.length);
    const ts = (await import("typescript")).default;
    const module = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
    for (const [i, program] of programs.entries()) {
      const js = ts.transpileModule(program, { compilerOptions: module }).outputText;
      const child = spawn(process.execPath, ["--input-type=module", "-e", js], {
        cwd: root,
        env: { ...process.env, ...env },
        stdio: ["ignore", "pipe", "inherit"],
      });
      let out = "";
      child.stdout.on("data", (piece) => {
        out += piece;
      });
      const code = await new Promise((done) => child.on("close", done));
      expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(expected[i]!) });
    }
  });
});
