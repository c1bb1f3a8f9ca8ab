import { setTimeout as sleep } from "node:timers/promises";
import type { Hono } from "hono";
import type { LatentExamplesPage, LatentPage, MapState, Neighbour, Refusal, Session, View } from "../api.js";
import type { Collection } from "../collection.js";
import { explorerApi } from "../server/app.js";

/** An answer of the server, by the address that the page asks for. */
export interface Answer {
  readonly address: string;
  readonly body: Uint8Array;
}

export interface AnswersOptions {
  /** Latents that get pages; those that a view does not have are left out. Default: all that fire. */
  readonly latents?: readonly number[] | undefined;
  /** Images of each latent, from the best. */
  readonly images: number;
  /** Sides of the pictures, in pixels. */
  readonly sizes: readonly number[];
  readonly signal?: AbortSignal | undefined;
  /** Counts latents. */
  readonly onProgress?: ((progress: { done: number; total: number }) => void) | undefined;
}

/** Everything that the page can ask for, answered as the server would, each address once. */
export async function* answers(collection: Collection, options: AnswersOptions): AsyncGenerator<Answer> {
  const api = explorerApi(collection);
  const session: Session = { ...collection.session(), exported: true };
  yield json("session.json", session);
  const shown = new Map(session.views.map(({ id }) => [id, latentsOf(collection, id, options)]));
  const total = [...shown.values()].reduce((sum, latents) => sum + latents.length, 0);
  let done = 0;
  for (const [id, latents] of shown) {
    const view = await askJson<View>(api, `views/${id}/view.json`);
    const live = { ok: false, why: "this is an export: open the visuals with saev explore" } as const;
    yield json(`views/${id}/view.json`, { ...view, live, only: latents });
    yield await ask(api, `views/${id}/columns.bin`);
    yield await ask(api, `views/${id}/notes.json`);
    yield await ask(api, `views/${id}/labels.json`);
    yield await ask(api, `views/${id}/names.json`);
    yield* mapOf(api, id);
    const pictures = new Set<number>();
    const among = new Set(latents);
    for (const latent of latents) {
      options.signal?.throwIfAborted();
      yield* latentAnswers(api, `views/${id}/latents/${latent}`, view, options, pictures, among);
      options.onProgress?.({ done: ++done, total });
    }
    if (!view.pictures.ok) continue;
    for (const image of pictures) {
      options.signal?.throwIfAborted();
      for (const size of options.sizes) yield await ask(api, `views/${id}/images/${image}/${size}.webp`);
    }
  }
  yield await ask(api, "runs/runs.json");
  for (const { id } of session.runs) yield await ask(api, `runs/${id}/metrics.json`);
  for (const a of session.views) {
    for (const b of session.views) {
      if (a !== b) yield await answerTo(api, `compare/${a.id}/${b.id}.json`);
    }
  }
}

function latentsOf(collection: Collection, id: string, { latents }: AnswersOptions): number[] {
  const { frequency } = collection.views.get(id)!.tables;
  const wanted = latents ?? [...frequency.keys()].filter((latent) => frequency[latent]! > 0);
  return wanted.filter((latent) => latent < frequency.length);
}

/** A latent's page with its first images, and what else is known of it. */
async function* latentAnswers(
  api: Hono,
  at: string,
  { patches }: View,
  { images }: AnswersOptions,
  pictures: Set<number>,
  shown: ReadonlySet<number>,
): AsyncGenerator<Answer> {
  const page = await askJson<LatentPage>(api, `${at}/latent.json`);
  const top = page.top.slice(0, images);
  for (const { image } of top) pictures.add(image);
  yield json(`${at}/latent.json`, { ...page, top });
  const maps = await ask(api, `${at}/maps.bin`);
  yield { ...maps, body: maps.body.subarray(0, 4 * patches * top.length) };
  const examples = await ask(api, `${at}/examples.json`);
  const beyond = parsed<LatentExamplesPage | null>(examples);
  for (const { image } of [
    ...(beyond?.quantiles ?? []),
    ...(beyond?.random ?? []),
    ...(beyond?.silent ?? []),
  ]) {
    pictures.add(image);
  }
  yield beyond
    ? json(examples.address, {
        ...beyond,
        companions: beyond.companions.filter(({ latent }) => shown.has(latent)),
      })
    : examples;
  yield await ask(api, `${at}/examples.bin`);
  const neighbours = await answerTo(api, `${at}/neighbours.json`);
  // Without the SAE there are no directions: the refusal, which the page shows.
  if (neighbours.refused) return yield neighbours;
  const near = parsed<readonly Neighbour[]>(neighbours).filter(({ latent }) => shown.has(latent));
  yield json(neighbours.address, near);
}

/** The map, once it is made; where it cannot be, why not. */
async function* mapOf(api: Hono, id: string): AsyncGenerator<Answer> {
  let state = await askJson<MapState>(api, `views/${id}/map.json`);
  while (state.state === "making" || state.state === "none") {
    await sleep(100);
    state = await askJson<MapState>(api, `views/${id}/map.json`);
  }
  yield json(`views/${id}/map.json`, state);
  if (state.state === "ready") yield await ask(api, `views/${id}/map.bin`);
}

const json = (address: string, value: unknown): Answer => ({
  address,
  body: new TextEncoder().encode(JSON.stringify(value)),
});

async function answerTo(api: Hono, address: string): Promise<Answer & { readonly refused: boolean }> {
  const answer = await api.request(`/${address}`);
  return { address, body: new Uint8Array(await answer.arrayBuffer()), refused: !answer.ok };
}

async function ask(api: Hono, address: string): Promise<Answer> {
  const answer = await answerTo(api, address);
  if (answer.refused) throw new Error(parsed<Refusal>(answer).error);
  return answer;
}

async function askJson<T>(api: Hono, address: string): Promise<T> {
  return parsed<T>(await ask(api, address));
}

const parsed = <T>({ body }: Answer) => JSON.parse(new TextDecoder().decode(body)) as T;
