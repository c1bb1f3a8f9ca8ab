import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { hubToken } from "./environment.js";
import { Http } from "./http.js";
import { repoFile } from "./repository.js";
import { HubServer, startProxy } from "./testing/hub-server.js";

const commit = "0123456789abcdef0123456789abcdef01234567";
const weights = Buffer.alloc(50_000, 7);
const root = mkdtempSync(path.join(tmpdir(), "saev-http-"));
const secret = "hf_TopSecret123";

let hub: HubServer;
let http: Http | undefined;

beforeEach(async () => {
  for (const name of Object.keys(process.env)) {
    if (/^(HF_|HUGGING|SAEV_CACHE|https?_proxy|no_proxy)/i.test(name)) vi.stubEnv(name, undefined);
  }
  const cache = mkdtempSync(path.join(root, "cache-"));
  hub = await HubServer.start({ "org/model": { commit, files: { "model.safetensors": weights } } });
  vi.stubEnv("HF_HOME", cache);
  vi.stubEnv("HF_ENDPOINT", hub.url);
});
afterEach(async () => {
  await http?.close();
  await hub.stop();
  vi.unstubAllEnvs();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const get = () => {
  http = new Http({ backoffMs: 5, stallMs: 500 });
  return repoFile(http, "org/model", commit, "model.safetensors");
};

describe("a token", () => {
  it("goes to the hub, and not to the host that it redirects to", async () => {
    hub.cdn = await HubServer.start({ "org/model": { commit, files: { "model.safetensors": weights } } });
    hub.token = secret;
    vi.stubEnv("HF_TOKEN", ` ${secret}\n`);
    expect(readFileSync(await get()).equals(weights)).toBe(true);
    expect(hub.seen.length).toBe(2);
    expect(hub.seen.every(({ authorization }) => authorization === `Bearer ${secret}`)).toBe(true);
    expect(hub.cdn.gets.map(({ authorization }) => authorization)).toEqual([undefined]);
    await hub.cdn.stop();
  });

  it("is in no message, and neither is a signature of an address", async () => {
    vi.stubEnv("HF_TOKEN", secret);
    const shown = async (status: number) => {
      hub.metadataFaults = Array.from({ length: 5 }, () => ({ do: "status", status }));
      const error = await get().catch((e: Error) => e);
      let text = "";
      for (let e: unknown = error; e instanceof Error; e = e.cause)
        text += `${e.message}\n${e.stack}\n${JSON.stringify(e)}`;
      return text;
    };
    for (const status of [401, 403, 404, 429, 500]) {
      const text = await shown(status);
      expect(text).toContain(`answered ${status}`);
      expect(text).not.toContain("TopSecret");
    }
    expect(await shown(401)).toMatch(/the token in HF_TOKEN is not accepted/);
    expect(await shown(403)).toMatch(/the account of the token in HF_TOKEN has no access/);
    hub.cdn = await HubServer.start();
    hub.metadataFaults = [];
    const error = (await get().catch((e: Error) => e)) as Error;
    expect(error.message).toMatch(/nothing|no such/);
    expect(error.message).not.toContain("Signature");
    await hub.cdn.stop();
  });

  it("comes from HF_TOKEN, HUGGING_FACE_HUB_TOKEN or the file of hf auth login, in this order", () => {
    const file = path.join(root, "token");
    writeFileSync(file, "hf_file\n");
    const all = { HF_TOKEN: "hf_a", HUGGING_FACE_HUB_TOKEN: "hf_b", HF_TOKEN_PATH: file };
    expect(hubToken(all)).toEqual({ value: "hf_a", from: "HF_TOKEN" });
    expect(hubToken({ ...all, HF_TOKEN: "" })).toEqual({ value: "hf_b", from: "HUGGING_FACE_HUB_TOKEN" });
    expect(hubToken({ HF_TOKEN_PATH: file })).toEqual({ value: "hf_file", from: file });
    expect(hubToken({ HF_HOME: root })).toEqual({ value: "hf_file", from: file });
    expect(hubToken({ HF_HOME: path.join(root, "none") })).toBe(undefined);
    expect(hubToken({ ...all, HF_HUB_DISABLE_IMPLICIT_TOKEN: "1" })).toBe(undefined);
    expect(() => hubToken({ HF_TOKEN: "two words" })).toThrow(/^HF_TOKEN: a token is one word/);
  });
});

describe("redirects", () => {
  it.each([
    ["in circles", "/again", /in circles/],
    ["to nowhere", "file:///etc/passwd", /to nowhere/],
  ])("%s end in an error", async (_, location, message) => {
    const fault = { do: "status", status: 302, headers: { location } } as const;
    hub.metadataFaults = Array.from({ length: 20 }, () => fault);
    hub.faults = Array.from({ length: 20 }, () => fault);
    http = new Http({ backoffMs: 5 });
    const request = { what: "a file", url: new URL(`${hub.url}/x`) };
    await expect(http.once(request)).rejects.toMatchObject({
      code: "IO",
      message: expect.stringMatching(message),
    });
  });
});

describe("a proxy", () => {
  it("is used, unless NO_PROXY says otherwise", async () => {
    const proxy = await startProxy();
    vi.stubEnv("HTTP_PROXY", proxy.url);
    expect(readFileSync(await get()).equals(weights)).toBe(true);
    expect(proxy.tunnels).toContain(`127.0.0.1:${hub.port}`);
    const before = proxy.tunnels.length;
    await http!.close();
    vi.stubEnv("NO_PROXY", "127.0.0.1");
    vi.stubEnv("HF_HOME", mkdtempSync(path.join(root, "cache-")));
    expect(readFileSync(await get()).equals(weights)).toBe(true);
    expect(proxy.tunnels.length).toBe(before);
    await proxy.stop();
  });
});

describe("ssl", () => {
  const pem = (name: string) => path.join(root, name);
  const made = spawnSync("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
    ...["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
    ...["-keyout", pem("key.pem"), "-out", pem("cert.pem")],
  ]);

  if (made.status !== 0) console.warn("skipping a test of certificates: no openssl command");
  it.skipIf(made.status !== 0)(
    "refuses a certificate of nobody known, and takes it with ssl = false",
    async () => {
      const server = createServer(
        { key: readFileSync(pem("key.pem")), cert: readFileSync(pem("cert.pem")) },
        (_, r) => r.end("hello"),
      );
      await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
      const url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/file`);
      http = new Http();
      await expect(http.once({ what: "a file", url })).rejects.toMatchObject({
        code: "IO",
        message: expect.stringMatching(/certificate of 127.*NODE_EXTRA_CA_CERTS.*ssl = false/),
      });
      const trusting = new Http({ ssl: false });
      const answer = await trusting.once({ what: "a file", url });
      expect(Buffer.concat(await answer.body.toArray()).toString()).toBe("hello");
      await trusting.close();
      server.closeAllConnections();
      server.close();
    },
  );
});
