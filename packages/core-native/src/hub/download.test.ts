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
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Http, type HttpOptions } from "./http.js";
import { repoFile } from "./repository.js";
import { type Fault, HubServer, sha256 } from "./testing/hub-server.js";

const commit = "0123456789abcdef0123456789abcdef01234567";
const weights = Buffer.from(Float64Array.from({ length: 60_000 }, (_, i) => Math.sin(i)).buffer);
const files = { "config.json": Buffer.from('{"a": 1}'), "sub/model.safetensors": weights };
const repo = "org/model";
const root = mkdtempSync(path.join(tmpdir(), "saev-download-"));

let hub: HubServer;
let cache: string;
let http: Http;
const quick = { backoffMs: 5, stallMs: 600 };
const client = (options: HttpOptions = {}) => {
  http = new Http({ ...quick, ...options });
  return http;
};

beforeEach(async () => {
  for (const name of Object.keys(process.env)) {
    if (/^(HF_|HUGGING|SAEV_CACHE|https?_proxy|no_proxy)/i.test(name)) vi.stubEnv(name, undefined);
  }
  cache = mkdtempSync(path.join(root, "cache-"));
  hub = await HubServer.start({ [repo]: { commit, files } });
  vi.stubEnv("HF_HUB_CACHE", cache);
  vi.stubEnv("HF_HOME", path.join(cache, "home"));
  vi.stubEnv("HF_ENDPOINT", hub.url);
  hub.arrived = () => statSync(`${blob()}.saev.incomplete`, { throwIfNoEntry: false })?.size ?? 0;
});
afterEach(async () => {
  await http?.close();
  await hub.stop();
  vi.unstubAllEnvs();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const large = "sub/model.safetensors";
const get = (file = large, options: Parameters<typeof repoFile>[4] = {}) =>
  repoFile(client(), repo, commit, file, options);
const blobs = () => path.join(cache, "models--org--model/blobs");
const blob = () => path.join(blobs(), sha256(weights));

describe("a file of a repository", () => {
  it("is checked, appears under its name when it is whole, and is fetched once", async () => {
    const seen: number[] = [];
    const file = await get(large, { onProgress: ({ done, total }) => seen.push(done, total!) });
    expect(file).toBe(path.join(cache, "models--org--model/snapshots", commit, large));
    expect(readFileSync(file).equals(weights)).toBe(true);
    expect(seen.slice(-2)).toEqual([weights.byteLength, weights.byteLength]);
    expect(readdirSync(blobs())).toEqual([sha256(weights)]);
    const before = hub.seen.length;
    expect(await get()).toBe(file);
    expect(hub.seen.length).toBe(before);
    expect(readFileSync(await get("config.json"), "utf8")).toBe('{"a": 1}');
  });

  it.each<[string, Fault[]]>([
    ["a cut", [{ do: "cut", after: 100_000 }]],
    ["a stall", [{ do: "stall", after: 100_000 }]],
    ["many cuts, each further on", Array.from({ length: 6 }, () => ({ do: "cut" as const, after: 70_000 }))],
    [
      "an error of the server",
      [
        { do: "status", status: 500 },
        { do: "status", status: 503 },
      ],
    ],
    ["too many requests", [{ do: "status", status: 429, headers: { "retry-after": "0" } }]],
  ])("survives %s", async (_, faults) => {
    hub.faults = [...faults];
    const notes: string[] = [];
    expect(readFileSync(await get(large, { onNote: (n) => notes.push(n) })).equals(weights)).toBe(true);
    expect(hub.faults).toEqual([]);
    expect(notes.length).toBeGreaterThanOrEqual(1);
    expect(readdirSync(blobs())).toEqual([sha256(weights)]);
  });

  it("goes on where a cut left it, in another process too", async () => {
    hub.faults = Array.from({ length: 5 }, (_, i) => ({ do: "cut", after: i === 0 ? 100_000 : 0 }));
    await expect(get()).rejects.toMatchObject({
      code: "IO",
      message: expect.stringMatching(/closed the connection|stopped at/),
    });
    expect(existsSync(blob())).toBe(false);
    expect(readFileSync(`${blob()}.saev.incomplete`).equals(weights.subarray(0, 100_000))).toBe(true);
    hub.seen.length = 0;
    expect(readFileSync(await get()).equals(weights)).toBe(true);
    expect(hub.gets.map(({ range }) => range)).toEqual(["bytes=100000-"]);
  });

  it("starts anew where the server knows no ranges", async () => {
    hub.faults = [{ do: "cut", after: 100_000 }, { do: "ignore-range" }];
    expect(readFileSync(await get()).equals(weights)).toBe(true);
    expect(hub.gets.map(({ range }) => range)).toEqual([undefined, "bytes=100000-"]);
  });

  it("keeps nothing of a file whose hash is wrong", async () => {
    for (const faults of [
      [{ do: "corrupt" }],
      [{ do: "cut", after: 50_000 }, { do: "corrupt" }],
    ] as Fault[][]) {
      hub.faults = faults;
      await expect(get()).rejects.toMatchObject({
        code: "BAD_FILE",
        message: expect.stringMatching(/expected bytes with sha256.*thrown away/),
      });
      expect(readdirSync(blobs())).toEqual([]);
    }
  });

  it.each([1000, weights.byteLength, weights.byteLength + 1])(
    "fetches all of it when the %i bytes that an earlier process left are wrong",
    async (bytes) => {
      mkdirSync(blobs(), { recursive: true });
      writeFileSync(`${blob()}.saev.incomplete`, Buffer.alloc(bytes));
      expect(readFileSync(await get()).equals(weights)).toBe(true);
      expect(hub.gets.at(-1)!.range).toBe(undefined);
    },
  );

  it("checks small files by git's hash", async () => {
    hub.faults = [{ do: "corrupt" }];
    await expect(get("config.json")).rejects.toMatchObject({
      code: "BAD_FILE",
      message: expect.stringMatching(/git-sha1/),
    });
  });

  it("does not take a file of another length than the hub promised", async () => {
    hub.faults = [{ do: "length", length: 1000 }];
    await expect(get()).rejects.toMatchObject({
      code: "BAD_FILE",
      message: expect.stringMatching(new RegExp(`expected ${weights.byteLength} bytes, .* offers 1000`)),
    });
  });

  it.each<[number, Record<string, string>, string, RegExp]>([
    [401, {}, "IO", /no such public model.*HF_TOKEN/],
    [403, { "x-error-code": "GatedRepo" }, "IO", /accept its conditions/],
    [404, { "x-error-code": "EntryNotFound" }, "NOT_FOUND", /nothing under this name/],
    [404, { "x-error-code": "RepoNotFound" }, "NOT_FOUND", /no such repository/],
    [404, { "x-error-code": "RevisionNotFound" }, "NOT_FOUND", /no such revision/],
    [407, {}, "IO", /proxy wants a login/],
    [429, { "retry-after": "3600" }, "IO", /too many requests; wait 3600 s, or set HF_TOKEN/],
    [418, {}, "IO", /expected a file/],
  ])("says what to do about %i %j", async (status, headers, code, message) => {
    hub.metadataFaults = [{ do: "status", status, headers }];
    await expect(get()).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(hub.seen.length).toBe(1);
  });

  it("gives up after five attempts, and says so", async () => {
    hub.metadataFaults = Array.from({ length: 9 }, () => ({ do: "status", status: 500 }));
    await expect(get()).rejects.toMatchObject({
      code: "IO",
      message: expect.stringMatching(/answered 500.*\(5 attempts\)/),
    });
    expect(hub.seen.length).toBe(5);
  });

  it("says what to do when nobody answers", async () => {
    await hub.stop();
    await expect(get()).rejects.toMatchObject({
      code: "IO",
      message: expect.stringMatching(
        /cannot reach 127\.0\.0\.1:\d+ \(ECONNREFUSED\).*HTTPS_PROXY.*HF_HUB_OFFLINE/,
      ),
    });
    hub = await HubServer.start();
  });

  it("stops at once when it is aborted, and keeps what it has", async () => {
    hub.faults = [{ do: "stall", after: 100_000 }];
    const controller = new AbortController();
    const reason = new Error("enough");
    const run = get(large, { signal: controller.signal });
    const partial = `${blob()}.saev.incomplete`;
    const timer = setInterval(() => {
      if ((statSync(partial, { throwIfNoEntry: false })?.size ?? 0) > 0) controller.abort(reason);
    }, 5);
    await expect(run).rejects.toBe(reason);
    clearInterval(timer);
    expect(readdirSync(blobs())).toEqual([`${sha256(weights)}.saev.incomplete`]);
    expect(readdirSync(path.join(cache, ".locks/models--org--model"))).toEqual([]);
  });

  it("says where it cannot write, and that folder's setting", async () => {
    writeFileSync(path.join(cache, "models--org--model"), "a file where a folder should be");
    const message = expect.stringMatching(/cannot write into .*models--org--model.*HF_HOME/);
    await expect(get()).rejects.toMatchObject({ code: "IO", message });
    rmSync(path.join(cache, "models--org--model"));
    writeFileSync(path.join(cache, ".locks"), "a file");
    const locks = expect.stringMatching(/cannot write into .*\.locks.*HF_HOME/);
    await expect(get()).rejects.toMatchObject({ code: "IO", message: locks });
  });

  it("refuses ETags and paths that would leave the cache", async () => {
    hub.metadataFaults = [{ do: "status", status: 200, headers: { etag: '"../../x"' } }];
    await expect(get()).rejects.toMatchObject({ code: "BAD_FILE", message: expect.stringMatching(/ETag/) });
    await expect(get("../x")).rejects.toMatchObject({ code: "BAD_FILE" });
  });
});
