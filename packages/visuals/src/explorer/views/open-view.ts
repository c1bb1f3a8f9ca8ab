import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { type Dataset, parseVisuals, type Visuals } from "@saev/config";
import {
  type ImageDataset,
  openDataset,
  recordedTransform,
  SaevError,
  ShardFolder,
  type Transform,
} from "@saev/core";
import { legacyTransform } from "../../view.js";
import {
  type Availability,
  columnNames,
  type LatentImage,
  type LatentPage,
  type SortBy,
  type View,
} from "../api.js";
import { fromBase } from "../from-base.js";
import { Notes } from "../notes.js";
import { Pictures, pictureSizes } from "../pictures.js";
import { LatentMap } from "../sae/latent-map.js";
import { Examples } from "./examples.js";
import { Tables } from "./tables.js";

export interface OpenViewOptions {
  /** The images that the activations were recorded from, where the folder does not say. */
  readonly images?: Dataset | undefined;
}

/** Rows that a table of latents has in sight on most screens. */
const rowsAhead = 14;

/** A visuals folder that is open for reading: tables, pictures, notes. */
export class OpenView {
  readonly map = new LatentMap(this);
  #drawnAhead = false;

  private constructor(
    readonly id: string,
    readonly title: string,
    readonly tables: Tables,
    /** Images beyond the top ones, where the folder has them. */
    readonly examples: Examples | undefined,
    readonly sortBy: SortBy,
    /** What made the folder; the Python package does not say. */
    readonly cfg: Visuals | undefined,
    /** The folder that relative paths of `cfg` start from. */
    readonly base: string,
    readonly remarks: readonly string[],
    /** The dataset's pictures, or why there are none. */
    readonly pictures: Pictures | string,
    readonly dataset: ImageDataset | undefined,
    readonly notes: Notes,
  ) {}

  /** @throws SaevError `NOT_FOUND`, `BAD_FILE`. */
  static async open(
    folder: string,
    id: string,
    title: string,
    options: OpenViewOptions = {},
  ): Promise<OpenView> {
    const { cfg, remarks, base } = readSummary(folder);
    const openTables = async () => {
      const tables = await Tables.open(folder);
      return { tables, examples: await Examples.open(folder, tables.patches) };
    };
    const [{ tables, examples }, { pictures, dataset, note }] = await Promise.all([
      openTables(),
      openPictures(cfg, base, options),
    ]);
    const sortBy = (/sort_by_(cls|img|patch)$/.exec(path.resolve(folder))?.[1] ??
      cfg?.sort_by ??
      "patch") as SortBy;
    const said = note === undefined ? remarks : [...remarks, note];
    const notes = new Notes(path.join(folder, "notes.json"));
    return new OpenView(id, title, tables, examples, sortBy, cfg, base, said, pictures, dataset, notes);
  }

  /** The SAE that it shows, where the folder says it. */
  get checkpoint(): string | undefined {
    return this.cfg && path.resolve(this.base, this.cfg.ckpt);
  }

  describe(): View {
    const { tables } = this;
    return {
      id: this.id,
      title: this.title,
      sortBy: this.sortBy,
      dSae: tables.dSae,
      topK: tables.topK,
      patches: tables.patches,
      rows: tables.rows,
      nImages: tables.nImages ?? this.dataset?.length,
      p: tables.p,
      pictures: availability(this.pictures),
      remarks: this.remarks,
    };
  }

  /**
   * Begins to render the pictures that the page asks for first, while the browser still reads what tells it so: those of the most
   * frequent latents. Does it once.
   */
  drawAhead(): void {
    const { pictures, tables } = this;
    if (this.#drawnAhead || typeof pictures === "string") return;
    this.#drawnAhead = true;
    for (const latent of largest(tables.frequency, rowsAhead)) {
      const image = tables.best[latent]!;
      // Who asks for a picture sees what is wrong with it.
      if (image >= 0) pictures.get(image, pictureSizes[0]).catch(() => {});
    }
  }

  /** `columns.bin`: see {@link columnNames}. */
  columns(): Uint8Array {
    const { dSae } = this.tables;
    const all = new Float32Array(columnNames.length * dSae);
    columnNames.forEach((name, i) => {
      all.set(this.tables[name], i * dSae);
    });
    return new Uint8Array(all.buffer);
  }

  async latent(latent: number): Promise<LatentPage> {
    const { tables } = this;
    const ranked = tables.ranked(latent);
    const top: LatentImage[] = [];
    for (const [i, image] of ranked.images.entries()) {
      const topPatch = ranked.topPatches[i]!;
      top.push({
        image,
        score: ranked.scores[i]!,
        ...(topPatch >= 0 && { topPatch }),
        ...(await this.caption(image)),
      });
    }
    const finite = (x: number) => (Number.isFinite(x) ? x : null);
    return {
      latent,
      frequency: tables.frequency[latent]!,
      mean: finite(tables.mean[latent]!),
      max: tables.max[latent]!,
      percentile: finite(tables.percentile[latent]!),
      top,
      upper: ranked.maps.reduce((a, b) => Math.max(a, b), 0),
      histogram: tables.histogram(latent),
    };
  }

  /** Label and name of an image of the dataset; empty where it is not open. */
  async caption(image: number): Promise<{ readonly label: string; readonly name: string }> {
    const { dataset } = this;
    if (!dataset || image >= dataset.length) return { label: "", name: "" };
    return { label: await dataset.label(image), name: path.relative(dataset.root, dataset.where(image)) };
  }

  dispose(): void {
    this.tables.dispose();
    this.examples?.dispose();
  }
}

/** Places of the `n` largest values, the largest first and equals in their order; no place of a NaN. */
export function largest(values: Float32Array, n: number): number[] {
  const places: number[] = [];
  values.forEach((value, place) => {
    if (places.length === n && !(value > values[places[n - 1]!]!)) return;
    if (Number.isNaN(value)) return;
    let at = places.length;
    while (at > 0 && value > values[places[at - 1]!]!) at--;
    places.splice(at, 0, place);
    places.length = Math.min(places.length, n);
  });
  return places;
}

const availability = (pictures: Pictures | string): Availability =>
  typeof pictures === "string" ? { ok: false, why: pictures } : { ok: true };

/** `visuals.json`, which ours have. */
function readSummary(folder: string): {
  readonly cfg: Visuals | undefined;
  readonly remarks: readonly string[];
  /** The folder that relative paths of `cfg` start from. */
  readonly base: string;
} {
  const file = path.join(folder, "visuals.json");
  if (!existsSync(file)) return { cfg: undefined, remarks: [], base: process.cwd() };
  try {
    const summary = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
    return {
      cfg: parseVisuals(summary.config),
      remarks: Array.isArray(summary.notes) ? summary.notes.map(String) : [],
      base: typeof summary.working_directory === "string" ? summary.working_directory : process.cwd(),
    };
  } catch (cause) {
    throw new SaevError("BAD_FILE", `${file}: ${(cause as Error).message}`, { cause });
  }
}

interface OpenPictures {
  /** Or why there are none. */
  readonly pictures: Pictures | string;
  readonly dataset: ImageDataset | undefined;
  /** What to know of how they are cut. */
  readonly note?: string | undefined;
}

async function openPictures(
  cfg: Visuals | undefined,
  base: string,
  options: OpenViewOptions,
): Promise<OpenPictures> {
  const config = options.images ?? (cfg && fromBase(cfg.images, base));
  const without = (why: string) => ({ pictures: why, dataset: undefined, note: undefined });
  if (!config) return without("the folder does not say which images it is of: give them with --images");
  try {
    const dataset = await openDataset(config);
    const { transform, note } = await transformOf(cfg, base);
    return { pictures: new Pictures(dataset, transform), dataset, note };
  } catch (error) {
    return without((error as Error).message);
  }
}

/** How the pictures were cut for the model; as the Python package draws them where its folder names no shards. */
async function transformOf(
  cfg: Visuals | undefined,
  base: string,
): Promise<{ readonly transform: Transform; readonly note?: string }> {
  if (cfg) return recordedTransform(await ShardFolder.open(path.resolve(base, cfg.data.shard_root)), base);
  return {
    transform: legacyTransform,
    note: "the folder does not say which model looked at the pictures: they are cut as in the Python package's pictures",
  };
}
