import { createHash } from "node:crypto";
import { decodeImage, type Pixels, SaevError } from "@saev/core";
import { HTTPException } from "hono/http-exception";
import { LRUCache } from "lru-cache";
import pLimit from "p-limit";
import type { LabelScores } from "../texts/api.js";
import type { Texts } from "../texts/texts.js";
import type { OpenView } from "../views/open-view.js";
import type { LiveModel, LivePicture, Steered } from "./api.js";
import { ClassScores } from "./class-scores.js";
import { keptPictures, largestPicture, longestQueue, uploadsAtATime } from "./limits.js";
import { OpenModels, type Party } from "./open-models.js";
import type { PatchHead } from "./patch-head.js";
import { bytesOf, patchLabelsOf, type SeenPicture, seePicture, steer } from "./run-picture.js";
import { parseSteering } from "./steering.js";
import { cosine } from "./vectors.js";

/** Pictures that are looked at while the explorer runs: the model runs on one at a time, the others wait. */
export class LivePictures {
  readonly #models = new OpenModels();
  readonly #model = pLimit(1);
  readonly #decoders = pLimit(uploadsAtATime);
  readonly #seen = new LRUCache<string, SeenPicture>({ maxSize: keptPictures, sizeCalculation: bytesOf });
  /** Pictures that are on their way, so that many requests for one compute it once. */
  readonly #coming = new Map<string, Promise<SeenPicture>>();

  /**
   * @param classes what pictures are scored with: vectors of class names, or the names.
   * @param texts what labels that are typed become.
   * @param head what labels patches.
   */
  constructor(
    readonly classes: ClassScores | readonly string[] | undefined,
    readonly texts: Texts,
    readonly head: PatchHead | undefined,
  ) {}

  async describe(view: OpenView): Promise<LiveModel> {
    try {
      return await this.#run(async () => {
        const party = await this.#models.open(view);
        const { vit, ckpt, layer, reads } = party;
        const { rows, columns } = gridOf(party);
        const classes = await this.#classesOf(ckpt);
        const why = await this.texts.whyNot(ckpt);
        return {
          ...{ ok: true, family: vit.family, ckpt, layer, nLayers: vit.nLayers, rows, columns, reads },
          embedding: embeddingWords(vit.embeddingForm),
          ...(classes?.width === vit.dEmbedding && { classes: classes.labels }),
          patchLabels: this.#headOf(party)?.labels,
          texts: why === undefined ? { ok: true } : { ok: false, why },
        };
      });
    } catch (error) {
      if (error instanceof SaevError) return { ok: false, why: error.message };
      throw error;
    }
  }

  /** Reads an upload, one of a few at a time. @param read gives its bytes. @returns the picture's id. */
  async upload(view: OpenView, read: () => Promise<Uint8Array>): Promise<LivePicture> {
    this.#refuseMore(this.#decoders.pendingCount);
    const { id, pixels } = await this.#decoders(async () => {
      const bytes = await read();
      return {
        id: `u${createHash("sha256").update(bytes).digest("hex").slice(0, 24)}`,
        pixels: await decodeImage(bytes, { name: "the picture", maxPixels: largestPicture }),
      };
    });
    return this.#about(view, id, await this.#see(view, id, async () => pixels));
  }

  /** @throws SaevError `NOT_FOUND` for an id of nothing, an upload that is no longer kept among them. */
  async picture(view: OpenView, id: string): Promise<{ about: LivePicture; seen: SeenPicture }> {
    const seen = await this.#find(view, id);
    return { about: await this.#about(view, id, seen), seen };
  }

  /** @param body of the request. @throws SaevError `INVALID_ARGUMENT`, as {@link picture}. */
  async steer(view: OpenView, id: string, body: unknown): Promise<Steered> {
    const seen = await this.#find(view, id);
    const steering = parseSteering(body, view.tables.dSae, seen.rowStart.length - 1);
    return this.#run(async () => {
      const party = await this.#models.open(view);
      const { labels } = steering;
      const classes = await (labels === undefined
        ? this.#classesOf(party.ckpt)
        : this.texts.classes(party.ckpt, labels));
      return steer(seen, steering, party, classes, this.#headOf(party));
    });
  }

  /**
   * Scores a picture with labels.
   * @param body of the request. @throws SaevError as {@link picture} and {@link Texts.classes}; `UNSUPPORTED` for a model whose
   * pictures and texts are not in one space.
   */
  async score(view: OpenView, id: string, body: unknown): Promise<LabelScores> {
    const seen = await this.#find(view, id);
    const { ckpt } = await this.#run(() => this.#models.open(view));
    const classes = await this.texts.classes(ckpt, (body as { labels?: unknown } | undefined)?.labels);
    const scores = seen.plain.embedding && classes.of(seen.plain.embedding);
    if (scores) return { labels: classes.labels, scores };
    throw new SaevError("UNSUPPORTED", `texts and pictures of ${ckpt} are not in one space`);
  }

  dispose(): void {
    this.#seen.clear();
    this.#models.dispose();
  }

  /** What pictures of a model are scored with; undefined for names that its text tower cannot read. */
  async #classesOf(ckpt: string): Promise<ClassScores | undefined> {
    if (this.classes === undefined || this.classes instanceof ClassScores) return this.classes;
    return (await this.texts.whyNot(ckpt)) === undefined ? this.texts.classes(ckpt, this.classes) : undefined;
  }

  /** The head, for models whose patches are as wide as it reads. */
  #headOf({ vit }: Party): PatchHead | undefined {
    return this.head?.width === vit.dVit ? this.head : undefined;
  }

  #find(view: OpenView, id: string): Promise<SeenPicture> {
    const [, number] = /^d(\d{1,15})$/.exec(id) ?? [];
    return this.#see(view, id, async () => {
      if (number === undefined)
        throw new SaevError("NOT_FOUND", "this picture is no longer kept: choose its file again");
      return this.#decoders(() => datasetImage(view, Number(number)));
    });
  }

  async #see(view: OpenView, id: string, load: () => Promise<Pixels>): Promise<SeenPicture> {
    const key = `${view.id}/${id}`;
    const kept = this.#seen.get(key);
    if (kept) return kept;
    let coming = this.#coming.get(key);
    if (!coming) {
      coming = load().then((pixels) =>
        this.#run(async () => seePicture(pixels, await this.#models.open(view))),
      );
      this.#coming.set(key, coming);
      coming.then(
        (seen) => this.#seen.set(key, seen),
        () => {},
      );
      coming.finally(() => this.#coming.delete(key)).catch(() => {});
    }
    return coming;
  }

  async #about(view: OpenView, id: string, seen: SeenPicture): Promise<LivePicture> {
    const { plain, reconstructed } = seen;
    const classes =
      this.classes && (await this.#run(async () => this.#classesOf((await this.#models.open(view)).ckpt)));
    const scores = plain.embedding && classes?.of(plain.embedding);
    const patchLabels =
      this.head &&
      (await this.#run(async () => {
        const party = await this.#models.open(view);
        const head = this.#headOf(party);
        return head && patchLabelsOf(seen, head, party);
      }));
    const caption = id.startsWith("d") ? await view.caption(Number(id.slice(1))) : { name: "", label: "" };
    return {
      id,
      ...caption,
      ...{ width: seen.width, height: seen.height, rows: seen.rowStart.length - 1, l0: seen.l0 },
      explainedVariance: seen.explainedVariance,
      reconstructed:
        plain.embedding && reconstructed.embedding ? cosine(plain.embedding, reconstructed.embedding) : null,
      ...(scores && { scores }),
      ...(patchLabels && { patchLabels }),
    };
  }

  #run<T>(work: () => Promise<T>): Promise<T> {
    this.#refuseMore(this.#model.pendingCount);
    return this.#model(work);
  }

  #refuseMore(waiting: number): void {
    if (waiting >= longestQueue)
      throw new HTTPException(503, { message: `${waiting} pictures wait already; ask again later` });
  }
}

async function datasetImage(view: OpenView, image: number): Promise<Pixels> {
  const { dataset } = view;
  if (!dataset) {
    throw new SaevError("NOT_FOUND", typeof view.pictures === "string" ? view.pictures : "no dataset");
  }
  if (!(image < dataset.length))
    throw new SaevError("NOT_FOUND", `image ${image}: expected 0 to ${dataset.length - 1}`);
  return decodeImage(await dataset.image(image), { name: dataset.where(image), maxPixels: largestPicture });
}

/** Rows and columns of the grid: those nearest to the picture's shape. */
function gridOf({ vit: { nPatches, transform } }: Party): { rows: number; columns: number } {
  const wanted = Math.sqrt((nPatches * transform.height) / transform.width);
  let rows = 1;
  for (let n = 1; n <= nPatches; n++)
    if (nPatches % n === 0 && Math.abs(n - wanted) < Math.abs(rows - wanted)) rows = n;
  return { rows, columns: nPatches / rows };
}

function embeddingWords(form: Party["vit"]["embeddingForm"]): string | undefined {
  if (!form) return undefined;
  const pooled = {
    cls: "the CLS token after the last layer",
    "first two": "the mean of CLS and distillation token after the last layer",
    mean: "the mean of the patches after the last layer",
    attention: "the patches after the last layer, pooled by attention",
  }[form.pool];
  return form.projected ? `${pooled}, projected to where texts are` : pooled;
}
