import { rmSync } from "node:fs";
import path from "node:path";
import type { DataLoad } from "@saev/config";
import { Tensor, writeSafetensors } from "@saev/core";
import { afterAll, beforeAll } from "vitest";
import { scratchFolder } from "../../../../../core-native/src/activations/testing/dataset.js";
import { makeVisuals } from "../../../make-visuals.js";
import { dVit, liveRun } from "../../../testing/live-run.js";
import { smallRun } from "../../../testing/small-run.js";
import { Collection } from "../../collection.js";
import { type ExplorerServer, serveExplorer } from "../../server/serve.js";
import type { LivePicture } from "../api.js";

// Tiny models gain nothing from threads, and lose much where other processes take the cores.
process.env.OMP_NUM_THREADS = "1";

const token = "t0ken";

/** What labels patches by the activations of the layer. */
export const headLabels = ["sky", "grass", "bird"];
export const head = {
  weight: Tensor.from(
    Float32Array.from({ length: 3 * dVit }, (_, i) => Math.sin(5 * i)),
    [3, dVit],
  ),
  bias: Tensor.from(Float32Array.of(0.1, 0, -0.1)),
};

/** Ids of views: of an SAE of patches, of one of CLS tokens, and of one whose model is not at hand. */
type Views = Record<"patches" | "cls" | "gone", string>;

/** An explorer of a small run whose model is there, with class names and a head, and what asks it. */
class LiveExplorer {
  private constructor(
    readonly folder: string,
    readonly data: DataLoad,
    readonly collection: Collection,
    readonly server: ExplorerServer,
    readonly views: Views,
  ) {}

  /** @param folder gets all files, and is removed when the explorer is closed. */
  static async open(folder: string): Promise<LiveExplorer> {
    const cfg = await liveRun(folder);
    const { data } = cfg;
    const ofPatches = (await makeVisuals(cfg)).root;
    const ofCls = (await makeVisuals({ ...cfg, data: { ...data, patches: "cls" }, sort_by: "cls" })).root;
    const withoutModel = (
      await makeVisuals({ ...(await smallRun(path.join(folder, "made-up"))), n_latents: 2 })
    ).root;
    const classes = path.join(folder, "classes.safetensors");
    await writeSafetensors(
      classes,
      {
        embeddings: Tensor.from(
          Float32Array.from({ length: 24 }, (_, i) => Math.cos(3 * i)),
          [3, 8],
        ),
      },
      { metadata: { labels: JSON.stringify(["a cat", "a dog", "<b>"]), logit_scale: "10" } },
    );
    const patchHead = path.join(folder, "head.safetensors");
    await writeSafetensors(patchHead, head, { metadata: { labels: JSON.stringify(headLabels) } });
    const collection = await Collection.open([ofPatches, ofCls, withoutModel], { classes, patchHead });
    const server = await serveExplorer(collection, { token });
    const id = (root: string) => [...collection.views.values()].find((v) => v.tables.folder === root)!.id;
    const views = { patches: id(ofPatches), cls: id(ofCls), gone: id(withoutModel) };
    return new LiveExplorer(folder, data, collection, server, views);
  }

  /** What a browser sends that was at the page. */
  get headers() {
    const { port } = this.server;
    return { cookie: `saev-${port}=${token}`, origin: `http://127.0.0.1:${port}` };
  }

  /** @param address below the views': `v0/view.json`. */
  ask(address: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.server.port}/api/views/${address}`, {
      ...init,
      headers: { ...this.headers, ...init.headers },
    });
  }

  async json<T>(address: string): Promise<T> {
    return (await (await this.ask(address)).json()) as T;
  }

  upload(view: string, bytes: Uint8Array): Promise<Response> {
    return this.ask(`${view}/live/pictures`, { method: "POST", body: bytes as Uint8Array<ArrayBuffer> });
  }

  steer(view: string, id: string, body: unknown): Promise<Response> {
    return this.ask(`${view}/live/pictures/${id}/steer`, { method: "POST", body: JSON.stringify(body) });
  }

  /** A picture's page and latents, read as the page reads them. */
  async latentsOf(view: string, id: string) {
    const about = await this.json<LivePicture>(`${view}/live/pictures/${id}/picture.json`);
    const bytes = await (await this.ask(`${view}/live/pictures/${id}/latents.bin`)).arrayBuffer();
    const rowStart = new Int32Array(bytes, 0, about.rows + 1);
    const n = rowStart[about.rows]!;
    const at = 4 * (about.rows + 1);
    return {
      about,
      rowStart,
      latent: new Int32Array(bytes, at, n),
      value: new Float32Array(bytes, at + 4 * n, n),
    };
  }

  async close(): Promise<void> {
    await this.server.close();
    this.collection.dispose();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What the tests ask: set up once, before the first of them. */
export let explorer: LiveExplorer;
export let views: Views;

beforeAll(async () => {
  explorer = await LiveExplorer.open(scratchFolder("saev-live-"));
  views = explorer.views;
}, 120_000);
afterAll(() => explorer?.close());
