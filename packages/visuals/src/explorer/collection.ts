import { existsSync, realpathSync } from "node:fs";
import path from "node:path";
import { readWordList } from "../names/vocabulary.js";
import type { Session } from "./api.js";
import { findFolders, titles } from "./find-folders.js";
import { ClassScores } from "./live/class-scores.js";
import { LivePictures } from "./live/live-pictures.js";
import { PatchHead } from "./live/patch-head.js";
import { OpenRun } from "./runs.js";
import { mostLabels, Texts } from "./texts/texts.js";
import { OpenView, type OpenViewOptions } from "./views/open-view.js";

export interface OpenOptions extends OpenViewOptions {
  /**
   * What pictures are scored with: a safetensors file of class embeddings or a head, see {@link ClassScores}, or any other file with
   * names of classes, one a line, which the model's text tower reads.
   */
  readonly classes?: string | undefined;
  /** What labels patches of pictures: a file with a linear head on their activations, see {@link PatchHead}. */
  readonly patchHead?: string | undefined;
}

/** Everything that was opened, by the ids that addresses have. */
export class Collection {
  private constructor(
    readonly title: string,
    readonly views: ReadonlyMap<string, OpenView>,
    readonly runs: ReadonlyMap<string, OpenRun>,
    /** Pictures that go through the models while the explorer runs. */
    readonly live: LivePictures,
    /** Texts that are typed while the explorer runs. */
    readonly texts: Texts,
  ) {}

  /**
   * @param paths visuals folders (`sort_by_<x>`, ours or the Python package's), run folders, their `sae.pt`, or folders that
   * hold some of these at most three levels down.
   * @throws SaevError `NOT_FOUND` where there is nothing to explore; as {@link OpenView.open}, {@link ClassScores.open} and
   * {@link PatchHead.open}.
   */
  static async open(paths: readonly string[], options: OpenOptions = {}): Promise<Collection> {
    const classes = await openClasses(options.classes);
    const head = options.patchHead === undefined ? undefined : await PatchHead.open(options.patchHead);
    const found = findFolders(paths);
    const title = titles([...found.views, ...found.runs]);
    const runs = new Map(
      [...found.runs].map((folder, i) => [`r${i}`, new OpenRun(`r${i}`, title(folder), folder)] as const),
    );
    const views = new Map<string, OpenView>();
    try {
      for (const [i, folder] of [...found.views].entries()) {
        views.set(`v${i}`, await OpenView.open(folder, `v${i}`, title(folder), options));
      }
    } catch (error) {
      for (const view of views.values()) view.dispose();
      throw error;
    }
    const texts = new Texts();
    return new Collection(
      paths.map((given) => path.basename(path.resolve(given))).join(", "),
      views,
      runs,
      new LivePictures(classes, texts, head),
      texts,
    );
  }

  session(): Session {
    return {
      title: this.title,
      views: [...this.views.values()].map((view) => {
        const { id, title, sortBy, dSae } = view.describe();
        const run = this.#runOf(view);
        return { id, title, sortBy, dSae, ...(run && { run }) };
      }),
      runs: [...this.runs.values()].map((run) => run.summary()),
      exported: false,
    };
  }

  /** Ids of the views of a run's SAE. */
  viewsOf(run: OpenRun): readonly string[] {
    return [...this.views.values()].filter((view) => this.#runOf(view) === run.id).map((view) => view.id);
  }

  /** The run whose checkpoint a view was made from. */
  #runOf(view: OpenView): string | undefined {
    const { checkpoint } = view;
    if (checkpoint === undefined) return undefined;
    for (const run of this.runs.values()) if (samePath(run.checkpoint, checkpoint)) return run.id;
    return undefined;
  }

  dispose(): void {
    this.live.dispose();
    this.texts.dispose();
    for (const view of this.views.values()) view.dispose();
  }
}

async function openClasses(file: string | undefined): Promise<ClassScores | readonly string[] | undefined> {
  if (file === undefined) return undefined;
  return file.endsWith(".safetensors")
    ? ClassScores.open(file)
    : readWordList(file, "classes", 2, mostLabels);
}

const samePath = (a: string, b: string) =>
  existsSync(a) && existsSync(b) && realpathSync(a) === realpathSync(b);
