import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeVisuals } from "../../make-visuals.js";
import { smallRun } from "../../testing/small-run.js";
import { Collection } from "../collection.js";
import { type ExplorerServer, serveExplorer } from "./serve.js";

const folder = mkdtempSync(path.join(tmpdir(), "saev-explorer-"));
const token = "t0ken";
let collection: Collection;
let server: ExplorerServer;

beforeAll(async () => {
  const { root } = await makeVisuals(await smallRun(folder));
  writeFileSync(path.join(folder, "secret.txt"), "nobody may read this");
  collection = await Collection.open([root]);
  server = await serveExplorer(collection, { token });
});
afterAll(async () => {
  await server.close();
  collection.dispose();
  rmSync(folder, { recursive: true, force: true });
});

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A request with its path as it is: `fetch` would resolve the dots. */
function ask(address: string, { method = "GET", headers = {}, body }: Asked = {}) {
  return new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }>(
    (resolve, reject) => {
      const to = request(
        { port: server.port, host: "127.0.0.1", path: address, method, headers, agent: false },
        (answer) => {
          let text = "";
          answer.setEncoding("utf8").on("data", (part: string) => {
            text += part;
          });
          answer.on("end", () => resolve({ status: answer.statusCode!, headers: answer.headers, text }));
        },
      );
      to.on("error", reject).end(body);
    },
  );
}

const cookie = () => ({ cookie: `saev-${server.port}=${token}` });
const origin = () => ({ origin: `http://127.0.0.1:${server.port}` });

test("the address with its token opens the page, which is then known by a cookie that scripts cannot read", async () => {
  const first = await ask(`/?token=${token}`);
  expect([first.status, first.headers.location]).toEqual([302, "/"]);
  expect(String(first.headers["set-cookie"])).toMatch(/^saev-\d+=t0ken; Path=\/; HttpOnly; SameSite=Strict$/);
  const page = await ask("/", { headers: cookie() });
  expect(page.status).toBe(200);
  expect(page.headers["content-security-policy"]).toContain("default-src 'none'");
});

test.each(["/", "/?token=", "/?token=wrong", "/api/session.json", "/api/views/v0/images/0/160.webp"])(
  "%s without the token is refused",
  async (address) => {
    const { status, text, headers } = await ask(address);
    expect([status, JSON.parse(text).error]).toEqual([403, expect.stringContaining("token")]);
    expect(headers["set-cookie"]).toBeUndefined();
  },
);

test("a name that somebody pointed at this machine is refused", async () => {
  for (const host of ["attacker.example", `attacker.example:${server.port}`, "localhost:1", "127.0.0.1"]) {
    expect((await ask("/api/session.json", { headers: { ...cookie(), host } })).status).toBe(403);
  }
  for (const host of ["localhost", "127.0.0.1", "[::1]"]) {
    const headers = { ...cookie(), host: `${host}:${server.port}` };
    expect((await ask("/api/session.json", { headers })).status).toBe(200);
  }
});

test("another site can neither read nor change anything", async () => {
  const crossSite = { ...cookie(), "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" };
  expect((await ask("/api/session.json", { headers: crossSite })).status).toBe(403);
  const body = JSON.stringify({ name: "stolen", note: "" });
  for (const headers of [
    cookie(),
    { ...cookie(), origin: "http://attacker.example" },
    { ...cookie(), origin: "null" },
  ]) {
    expect((await ask("/api/views/v0/notes/1", { method: "PUT", headers, body })).status).toBe(403);
  }
  expect(collection.views.get("v0")!.notes.read()).toEqual({});
});

test("notes are written, read and removed", async () => {
  const put = (latent: string, body: string) =>
    ask(`/api/views/v0/notes/${latent}`, { method: "PUT", headers: { ...cookie(), ...origin() }, body });
  const notes = async () => JSON.parse((await ask("/api/views/v0/notes.json", { headers: cookie() })).text);
  expect((await put("3", JSON.stringify({ name: "wheels", note: "of cars 🚗" }))).status).toBe(204);
  expect(await notes()).toEqual({ 3: { name: "wheels", note: "of cars 🚗" } });
  for (const bad of [
    "",
    "{",
    "[]",
    '{"name":1,"note":""}',
    JSON.stringify({ name: "x".repeat(201), note: "" }),
  ]) {
    expect((await put("3", bad)).status).toBe(400);
  }
  // Refused before it is read: the connection may be closed before the answer is seen.
  const large = await put("3", JSON.stringify({ name: "", note: "x".repeat(300_000) })).catch(
    () => undefined,
  );
  expect([413, undefined]).toContain(large?.status);
  expect((await put("12", JSON.stringify({ name: "a", note: "" }))).status).toBe(404);
  expect(await notes()).toEqual({ 3: { name: "wheels", note: "of cars 🚗" } });
  // Words that came there since they were seen are not replaced unseen.
  const [mine, theirs] = [
    { name: "", note: "mine" },
    { name: "wheels", note: "of cars 🚗" },
  ];
  const late = await put("3", JSON.stringify({ ...mine, was: { name: "", note: "" } }));
  expect([late.status, JSON.parse(late.text).there]).toEqual([409, theirs]);
  expect(await notes()).toEqual({ 3: theirs });
  expect((await put("3", JSON.stringify({ ...mine, was: 1 }))).status).toBe(400);
  expect((await put("3", JSON.stringify({ ...mine, was: theirs }))).status).toBe(204);
  expect((await put("3", JSON.stringify({ name: "", note: "" }))).status).toBe(204);
  expect(await notes()).toEqual({});
});

test("many notes at once are all kept, and what else is in their file stays", async () => {
  const { file } = collection.views.get("v0")!.notes;
  writeFileSync(file, '{"about":["mine"],"7":{"name":"a","note":"b","colour":"red"}}');
  const headers = { ...cookie(), ...origin() };
  const written = await Promise.all(
    Array.from({ length: 60 }, (_, i) =>
      ask(`/api/views/v0/notes/${i % 6}`, { method: "PUT", headers, body: `{"name":"${i}","note":""}` }),
    ),
  );
  expect(new Set(written.map(({ status }) => status))).toEqual(new Set([204]));
  const found = JSON.parse(readFileSync(file, "utf8"));
  expect(found).toMatchObject({ about: ["mine"], 7: { name: "a", note: "b", colour: "red" } });
  expect(Object.keys(found).sort()).toEqual(["0", "1", "2", "3", "4", "5", "7", "about"]);
  expect(readdirSync(path.dirname(file)).filter((name) => name.includes(".tmp."))).toEqual([]);
  writeFileSync(file, "[]");
  const broken = await ask("/api/views/v0/notes.json", { headers: cookie() });
  expect([broken.status, broken.text]).toEqual([422, expect.stringContaining("expected an object of notes")]);
  writeFileSync(file, "{}");
});

const up = [
  "../",
  "..%2f",
  "%2e%2e/",
  "%2e%2e%2f",
  "..%5c",
  "..\\",
  "....//",
  "..;/",
  "%252e%252e%252f",
  "..%c0%af",
  "/..",
  "\0../",
];
const places = ["/", "/assets/", "/api/", "/api/views/v0/images/", "/api/views/v0/latents/", "/api/runs/"];
const tries = places.flatMap((place) =>
  up.flatMap((step) => [`${place}${step.repeat(6)}etc/passwd`, `${place}${step.repeat(3)}secret.txt`]),
);

test(`${tries.length} ways out of the served folders lead nowhere`, async () => {
  for (const address of tries) {
    const { status, text } = await ask(encodeURI(address).replaceAll("%25", "%"), { headers: cookie() });
    expect([address, status >= 400 && status < 500]).toEqual([address, true]);
    expect(text).not.toMatch(/nobody may read|root:x/);
  }
});

test("what is not there is said in words", async () => {
  for (const [address, words] of [
    ["/api/nothing", "nothing is there"],
    ["/api/views/v9/view.json", "there is no such view"],
    ["/api/views/v0/latents/12/latent.json", "expected 0 to 11"],
    ["/api/views/v0/latents/-1/latent.json", "expected 0 to 11"],
    ["/api/views/v0/latents/1e1/latent.json", "expected 0 to 11"],
    ["/api/views/v0/images/10/160.webp", "expected 0 to 9"],
    ["/api/views/v0/images/0/161.webp", "expected 96, 160, 320, 448"],
    ["/api/runs/r0/metrics.json", "there is no such run"],
  ] as const) {
    const { status, text } = await ask(address, { headers: cookie() });
    expect([status, JSON.parse(text).error]).toEqual([404, expect.stringContaining(words)]);
  }
});

test("a thousand requests at once are all answered", async () => {
  const answers = await Promise.all(
    Array.from({ length: 1000 }, (_, i) =>
      ask(`/api/views/v0/images/${i % 10}/${[96, 160, 320, 448][i % 4]}.webp`, { headers: cookie() }),
    ),
  );
  expect(answers.map((a) => a.status).filter((status) => status !== 200)).toEqual([]);
});
