import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import path from "node:path";
import { expect, test } from "vitest";
import { randomNumbers } from "../../../../../core-native/src/vit/testing/tiny-clip.js";
import { dSae, nImages, nPatches, picture } from "../../../testing/live-run.js";
import { explorerApi } from "../../server/app.js";
import { largestUpload } from "../limits.js";
import { explorer, views } from "./live-explorer.js";

/** A file cut short, with bytes flipped, and with bytes twice. */
function mutations(seed: Uint8Array): Uint8Array[] {
  const random = randomNumbers(seed.length + 1);
  const place = () => Math.floor((0.5 + random() / 2) * seed.length);
  const flipped = seed.slice();
  for (let i = 0; i < 4; i++) flipped[place()]! ^= 1 << (i + 2);
  const at = place();
  return [seed.slice(0, at), flipped, Buffer.concat([seed.subarray(0, at), seed.subarray(at >> 1)])];
}

test("every malformed picture of the corpora is refused in words, and the next good one is taken", async () => {
  const corpora = path.resolve(import.meta.dirname, "../../../../../../test/fixtures/fuzz");
  const files = ["images", "bmp", "pnm"].flatMap((name) =>
    readdirSync(path.join(corpora, name)).map((file) => path.join(corpora, name, file)),
  );
  expect(files.length).toBeGreaterThan(70);
  const statuses: Record<number, number> = {};
  for (const file of files) {
    const seed = readFileSync(file);
    for (const [i, bytes] of [seed, ...mutations(seed)].entries()) {
      const answer = await explorer.upload(views.patches, bytes);
      const body = (await answer.json()) as { error?: string; id?: string };
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
      const what = `${path.basename(file)}, mutation ${i}`;
      expect([what, answer.status === 201 || answer.status === 422]).toEqual([what, true]);
      expect(answer.status === 201 ? body.id : body.error).toMatch(/./);
    }
  }
  expect(statuses[422]).toBeGreaterThan(100);
  expect((await explorer.upload(views.patches, await picture(1).png().toBuffer())).status).toBe(201);
});

test("what is too large is refused before it is decoded", async () => {
  // A header of 60,000 × 60,000 pixels with nothing behind it.
  const header = Buffer.from("89504e470d0a1a0a0000000d494844520000ea600000ea600802000000", "hex");
  const wide = await explorer.upload(views.patches, Buffer.concat([header, Buffer.alloc(64)]));
  expect([wide.status, ((await wide.json()) as { error: string }).error]).toEqual([
    422,
    expect.stringMatching(/60000 × 60000 pixels are more than the limit of 50000000/),
  ]);
  // The connection may be closed before the answer is seen.
  const long = await explorer.upload(views.patches, new Uint8Array(largestUpload + 1)).catch(() => undefined);
  expect([413, undefined]).toContain(long?.status);
  // Without a connection that may be closed.
  const at = `/views/${views.patches}/live/pictures/d0/steer`;
  const wordy = await explorerApi(explorer.collection).request(at, {
    method: "POST",
    body: "x".repeat(300_000),
  });
  expect([wordy.status, await wordy.json()]).toEqual([413, { error: "the body is larger than 256 KB" }]);
  expect((await explorer.upload(views.patches, new Uint8Array())).status).toBe(422);
});

test("requests that make no sense are refused in words", async () => {
  const good = { changes: [], rows: null, keepError: true };
  for (const [body, words] of [
    [undefined, "changes: expected a list"],
    [{ ...good, changes: new Array(300).fill({}) }, "at most 256"],
    [
      { ...good, changes: [{ latent: dSae, kind: "set", value: 1 }] },
      `changes[0].latent: expected 0 to ${dSae - 1}`,
    ],
    [{ ...good, changes: [{ latent: 0, kind: "halve", value: 1 }] }, "expected scale or set"],
    [{ ...good, changes: [{ latent: 0, kind: "set", value: "1" }] }, "changes[0].value"],
    [{ ...good, changes: [{ latent: 0, kind: "set", value: 1e300 }] }, "changes[0].value"],
    [{ ...good, rows: [nPatches] }, "rows: expected null or a list of rows from 0 to 15"],
    [{ ...good, rows: "all" }, "rows: expected"],
    [{ changes: [], rows: null }, "keepError"],
  ] as const) {
    const answer = await explorer.steer(views.patches, "d0", body);
    expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([
      400,
      expect.stringContaining(words),
    ]);
  }
  for (const id of ["d99", "uffff", "x", "d-1", "..%2f..%2fetc%2fpasswd"]) {
    expect([id, (await explorer.ask(`${views.patches}/live/pictures/${id}/picture.json`)).status]).toEqual([
      id,
      404,
    ]);
  }
  expect((await explorer.ask("v9/live/model.json")).status).toBe(404);
});

test("pictures are taken from the page itself only", async () => {
  const body = (await picture(0).png().toBuffer()) as Uint8Array<ArrayBuffer>;
  for (const headers of [
    { origin: "http://attacker.example" },
    { origin: "null" },
    { cookie: "" },
    { "sec-fetch-site": "cross-site" },
  ] as Record<string, string>[]) {
    const answer = await explorer.ask(`${views.patches}/live/pictures`, { method: "POST", body, headers });
    expect([headers, answer.status]).toEqual([headers, 403]);
  }
});

/** A request on a connection of its own, for its status: `fetch` keeps connections that the server may just be closing. */
function statusOf(address: string, body?: Uint8Array | string): Promise<number> {
  const headers = {
    ...explorer.headers,
    ...(body !== undefined && { "content-length": String(Buffer.byteLength(body)) }),
  };
  const method = body === undefined ? "GET" : "POST";
  const path = `/api/views/${address}`;
  return new Promise((resolve, reject) => {
    const options = {
      host: "127.0.0.1",
      port: explorer.server.port,
      path,
      method,
      headers,
      agent: false,
    } as const;
    request(options, (answer) => {
      answer.resume().on("end", () => resolve(answer.statusCode!));
    })
      .on("error", reject)
      .end(body);
  });
}

test("a thousand requests at once wait for their turn", async () => {
  const uploads = await Promise.all([4, 5, 6, 7].map((i) => picture(i).png().toBuffer()));
  const change = JSON.stringify({
    changes: [{ latent: 1, kind: "set", value: 1 }],
    rows: null,
    keepError: true,
  });
  const statuses = await Promise.all(
    Array.from({ length: 1000 }, (_, i) => {
      const of = `live/pictures/d${i % nImages}`;
      if (i % 4 === 0) return statusOf(`${views.patches}/live/pictures`, uploads[(i / 4) % 4]!);
      if (i % 4 === 1) return statusOf(`${views.patches}/${of}/steer`, change);
      return statusOf(`${i % 4 === 2 ? views.patches : views.cls}/${of}/latents.bin`);
    }),
  );
  expect(statuses.filter((status) => status !== 200 && status !== 201)).toEqual([]);
});
