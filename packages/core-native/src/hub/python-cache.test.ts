import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { python } from "../io/python.test-util.js";
import { writeTensors } from "../io/tensor-file.js";
import { Tensor } from "../tensor.js";
import { Http } from "./http.js";
import { resolveModel } from "./resolve.js";
import { HubServer, sha256 } from "./testing/hub-server.js";
import { torchHubDownload } from "./torch-hub.js";

const commit = "89abcdef0123456789abcdef0123456789abcdef";
const files = {
  "open_clip_config.json": Buffer.from('{"model_cfg": {}}'),
  "open_clip_model.safetensors": Buffer.alloc(40_000, 3),
};
const root = mkdtempSync(path.join(tmpdir(), "saev-python-cache-"));
const hasHub = python !== undefined && spawnSync(python, ["-c", "import huggingface_hub"]).status === 0;
if (!hasHub) console.warn("skipping what needs Python's huggingface_hub: $SAEV_PYTHON has none");

let hub: HubServer;
beforeEach(async () => {
  for (const name of Object.keys(process.env)) {
    if (/^(HF_|HUGGING|SAEV_CACHE|TORCH_HOME|https?_proxy|no_proxy)/i.test(name)) vi.stubEnv(name, undefined);
  }
  hub = await HubServer.start({ "org/clip": { commit, files } });
  const home = mkdtempSync(path.join(root, "home-"));
  vi.stubEnv("HF_HOME", home);
  vi.stubEnv("TORCH_HOME", path.join(home, "torch"));
  vi.stubEnv("HF_ENDPOINT", hub.url);
  vi.stubEnv("HF_HUB_DISABLE_TELEMETRY", "1");
  vi.stubEnv("HF_HUB_DISABLE_PROGRESS_BARS", "1");
});
afterEach(async () => {
  await hub.stop();
  vi.unstubAllEnvs();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Runs a program beside the server of this process. */
const run = async (program: string, ...args: string[]): Promise<string> =>
  (await promisify(execFile)(python!, ["-c", program, ...args])).stdout.trim();

describe.skipIf(!hasHub)("Python's huggingface_hub", () => {
  it("finds what saev downloaded, offline", async () => {
    const ours = await resolveModel("clip", "hf-hub:org/clip");
    const requests = hub.seen.length;
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    const found = await run(`
import json
from huggingface_hub import hf_hub_download, scan_cache_dir, snapshot_download, try_to_load_from_cache
scan = scan_cache_dir()
repo, = scan.repos
print(json.dumps({
  "main": hf_hub_download("org/clip", "open_clip_model.safetensors"),
  "commit": hf_hub_download("org/clip", "open_clip_config.json", revision="${commit}"),
  "cached": try_to_load_from_cache("org/clip", "open_clip_model.safetensors"),
  "absent": try_to_load_from_cache("org/clip", "other.bin"),
  "snapshot": snapshot_download("org/clip"),
  "repo": repo.repo_id, "refs": sorted(repo.refs), "warnings": [str(w) for w in scan.warnings],
  "bytes": repo.size_on_disk, "files": repo.nb_files,
}))`);
    const folder = ours.folder;
    expect(JSON.parse(found)).toEqual({
      main: ours.weights[0],
      commit: ours.config!.from,
      cached: ours.weights[0],
      absent: null,
      snapshot: folder,
      repo: "org/clip",
      refs: ["main"],
      warnings: [],
      bytes: files["open_clip_config.json"].length + files["open_clip_model.safetensors"].length,
      files: 2,
    });
    expect(hub.seen.length).toBe(requests);
  });

  it("downloaded what saev finds, offline and without fetching it again", async () => {
    vi.stubEnv("HF_HUB_DISABLE_XET", "1");
    const download = (file: string) =>
      run(
        `import sys; from huggingface_hub import hf_hub_download; print(hf_hub_download("org/clip", sys.argv[1]))`,
        file,
      );
    const theirs = [await download("open_clip_config.json"), await download("open_clip_model.safetensors")];
    const gets = hub.gets.length;
    const online = await resolveModel("clip", "hf-hub:org/clip");
    expect([online.config!.from, ...online.weights]).toEqual(theirs);
    expect(hub.gets.length).toBe(gets);
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    expect((await resolveModel("clip", "hf-hub:org/clip")).weights).toEqual([theirs[1]]);
    expect(readFileSync(theirs[1]!).equals(files["open_clip_model.safetensors"])).toBe(true);
  });

  it("completes a repository that saev began, and the other way round", async () => {
    vi.stubEnv("HF_HUB_DISABLE_XET", "1");
    await run(
      `from huggingface_hub import hf_hub_download; hf_hub_download("org/clip", "open_clip_config.json")`,
    );
    const ours = await resolveModel("clip", "hf-hub:org/clip");
    expect(hub.gets.filter(({ path }) => path.endsWith("config.json")).length).toBe(1);
    const theirs = await run(
      `from huggingface_hub import hf_hub_download; print(hf_hub_download("org/clip", "open_clip_model.safetensors"))`,
    );
    expect(theirs).toBe(ours.weights[0]);
    expect(hub.gets.length).toBe(2);
  });
});

describe.skipIf(!python)("torch.hub", () => {
  it("finds what saev downloaded, which is checked by the name's hash", async () => {
    const made = path.join(root, "w.pth");
    using x = Tensor.from(
      Float32Array.from({ length: 3000 }, (_, i) => i),
      [3000],
    );
    await writeTensors(made, { x });
    const bytes = readFileSync(made);
    const hash = sha256(bytes).slice(0, 8);
    hub.repos.set("org/torch", {
      commit,
      files: { [`net-${hash}.pth`]: bytes, "net-01234567.pth": bytes, "net.pth": bytes },
    });
    const url = (name: string) => new URL(`${hub.url}/org/torch/resolve/main/${name}`);
    const http = new Http({ backoffMs: 5 });
    for (const name of [`net-${hash}.pth`, "net.pth"]) {
      hub.faults = [{ do: "cut", after: 5000 }];
      const file = await torchHubDownload(http, url(name));
      expect(file).toBe(path.join(process.env.TORCH_HOME!, "hub/checkpoints", name));
      expect(hub.gets.at(-1)!.range).toBe("bytes=5000-");
    }
    hub.seen.length = 0;
    const load = `
import sys, torch
for url in sys.argv[1:]:
    print(torch.hub.load_state_dict_from_url(url, check_hash=True)["x"].sum().item())`;
    const sum = String((2999 * 3000) / 2);
    const sums = await run(load, url(`net-${hash}.pth`).href, url("net.pth").href);
    expect(sums.split("\n").map(Number).map(String)).toEqual([sum, sum]);
    expect(hub.seen).toEqual([]);
    await expect(torchHubDownload(http, url("net-01234567.pth"))).rejects.toMatchObject({
      code: "BAD_FILE",
      message: expect.stringMatching(/expected bytes with sha256 01234567, found /),
    });
    expect(readdirSync(path.join(process.env.TORCH_HOME!, "hub/checkpoints")).sort()).toEqual(
      [`net-${hash}.pth`, "net.pth"].sort(),
    );
    await http.close();
  });
});
