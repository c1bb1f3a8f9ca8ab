import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { SaevError } from "../errors.js";
import { type DatasetFiles, type DatasetOptions, datasetFiles } from "../hub/dataset-files.js";
import { type DatasetReference, parseDatasetReference } from "../hub/dataset-reference.js";
import { isImageName } from "../images/decode.js";
import type { ImageDataset } from "../images/image-dataset.js";
import { byCodePoint } from "../images/order.js";
import { counted, globFiles } from "./glob.js";
import { insideOf } from "./inside.js";
import { readBytes } from "./read-bytes.js";
import { type TarMember, tarMembers } from "./tar-members.js";

/** Members with one key: a picture and what says its label. */
interface Sample {
  readonly tar: string;
  readonly image: TarMember;
  readonly label: TarMember | undefined;
}

/** Ends of names that say a label, the first that is there counts. */
const labelExtensions = ["cls", "json", "txt"];
/** Keys of a .json member under which a label stands. */
const labelKeys = ["label", "class_name", "class", "cls", "category", "species"];
const maxLabelBytes = 2 ** 20;
/** Names of classes that members give by number, one a line. */
const classesFile = "classes.txt";

/**
 * Pictures in tar archives as the WebDataset library lays them out: members that follow one another and have the same name up
 * to its first dot are one sample (`0001.jpg`, `0001.cls`). Archives are in order of their names, samples in theirs. Opening
 * reads the members' headers; a picture is read when it is asked for.
 */
export class WebDataset implements ImageDataset {
  private constructor(
    readonly root: string,
    /** Names of the numbers in .cls members: the lines of a `classes.txt` beside the archives. */
    readonly classes: readonly string[],
    readonly samples: readonly Sample[],
  ) {}

  /**
   * @param tars a folder of `*.tar`, a pattern (`data/*.tar`, `data/{000..015}.tar`), or one archive; or the same in a
   * dataset of the hub (`hf://datasets/org/name/train-*.tar`), which is downloaded unless it is in its cache.
   * @throws SaevError `NOT_FOUND` when there is no archive or no picture in them; `BAD_FILE` for damaged archives.
   */
  static async open(tars: string, options: DatasetOptions = {}): Promise<WebDataset> {
    const reference = parseDatasetReference(tars, true);
    const files = reference ? (await tarsOfHub(reference, options)).files : await archives(tars);
    const samples: Sample[] = [];
    for (const tar of files) for await (const sample of samplesOf(tar)) samples.push(sample);
    if (samples.length === 0) {
      throw new SaevError(
        "NOT_FOUND",
        `${tars}: expected archives with pictures (0001.jpg, 0001.cls), found none in ${files.length}`,
      );
    }
    const root = path.dirname(files[0]!);
    const list = await insideOf(root, classesFile, tars);
    const names = await readFile(list, "utf8").catch(() => "");
    const classes = names === "" ? [] : names.replace(/\r?\n$/, "").split(/\r?\n/);
    return new WebDataset(root, classes, samples);
  }

  get length(): number {
    return this.samples.length;
  }

  where(i: number): string {
    const { tar, image } = this.#sample(i);
    return `${tar}#${image.name}`;
  }

  async image(i: number): Promise<Uint8Array> {
    const { tar, image } = this.#sample(i);
    return readBytes(tar, image.offset, image.size);
  }

  async label(i: number): Promise<string> {
    const { tar, label } = this.#sample(i);
    if (label === undefined) return "";
    if (label.size > maxLabelBytes)
      throw new SaevError("BAD_FILE", `${tar}#${label.name}: expected a label, found ${label.size} bytes`);
    const text = Buffer.from(await readBytes(tar, label.offset, label.size))
      .toString("utf8")
      .trim();
    if (extensionOf(label.name) !== "json") return this.#named(text.replace(/\s+/g, " "));
    try {
      const value = JSON.parse(text) as Record<string, unknown> | null;
      const key = labelKeys.find((k) => typeof value?.[k] === "string" || typeof value?.[k] === "number");
      return key === undefined ? "" : this.#named(String(value![key]));
    } catch (error) {
      throw new SaevError(
        "BAD_FILE",
        `${tar}#${label.name}: expected JSON, found ${(error as Error).message}`,
      );
    }
  }

  /** The name of a class that is given by number. */
  #named(text: string): string {
    return /^\d+$/.test(text) ? (this.classes[Number(text)] ?? text) : text;
  }

  #sample(i: number): Sample {
    const sample = this.samples[i];
    if (sample === undefined) throw new SaevError("INVALID_ARGUMENT", `${this.root}: there is no image ${i}`);
    return sample;
  }
}

/**
 * The archives of a dataset of the hub that a reference's path names, and the `classes.txt` beside them.
 * @throws SaevError as {@link datasetFiles}.
 */
export async function tarsOfHub(
  reference: DatasetReference,
  options: DatasetOptions = {},
): Promise<DatasetFiles> {
  const picomatch = (await import("picomatch")).default;
  const { path: pattern, ...whole } = reference;
  const patterns = pattern === "" ? ["*.tar"] : [...counted(pattern), `${pattern}/*.tar`];
  const fits = picomatch(patterns);
  const choose = (names: readonly string[], root: string) => {
    const tars = names.filter((name) => name.endsWith(".tar"));
    const found = tars.filter((name) => fits(name)).sort(byCodePoint((name) => name));
    if (found.length === 0) {
      const some = tars.slice(0, 5).join(", ") + (tars.length > 5 ? ", …" : "");
      throw new SaevError(
        "NOT_FOUND",
        `${root}: expected archives that fit ${patterns[0]}, found ${some || "no *.tar"}`,
      );
    }
    const folders = new Set(found.map((name) => path.posix.join(path.posix.dirname(name), classesFile)));
    return [...found, ...names.filter((name) => folders.has(name))];
  };
  const files = await datasetFiles({ ...whole, path: "" }, ["main"], choose, options);
  return { ...files, files: files.files.filter((file) => file.endsWith(".tar")) };
}

async function archives(tars: string): Promise<string[]> {
  const there = await stat(tars).catch(() => undefined);
  if (there?.isFile()) return [tars];
  const files = there?.isDirectory()
    ? (await readdir(tars)).filter((name) => name.endsWith(".tar")).map((name) => path.join(tars, name))
    : await globFiles(tars);
  if (files.length > 0) return files.sort(byCodePoint((file) => file));
  throw new SaevError(
    "NOT_FOUND",
    `${tars}: expected a folder with *.tar, a pattern, or an archive, found ${there ? "no *.tar in it" : "nothing"}`,
  );
}

async function* samplesOf(tar: string): AsyncGenerator<Sample> {
  let key: string | undefined;
  let image: TarMember | undefined;
  let labels: TarMember[] = [];
  const sample = (): Sample[] => {
    const rank = (m: TarMember) => labelExtensions.indexOf(extensionOf(m.name));
    return image === undefined ? [] : [{ tar, image, label: labels.sort((a, b) => rank(a) - rank(b))[0] }];
  };
  for await (const member of tarMembers(tar)) {
    const next = keyOf(member.name);
    if (next === undefined) continue;
    if (next !== key) {
      yield* sample();
      [key, image, labels] = [next, undefined, []];
    }
    if (isImageName(member.name)) image ??= member;
    else if (labelExtensions.includes(extensionOf(member.name))) labels.push(member);
  }
  yield* sample();
}

/** The name up to the first dot after its folders; undefined for hidden files. */
function keyOf(name: string): string | undefined {
  const base = path.posix.basename(name);
  const dot = base.indexOf(".");
  return dot <= 0 ? undefined : name.slice(0, name.length - base.length + dot);
}

const extensionOf = (name: string): string => {
  const base = path.posix.basename(name);
  return base.slice(base.indexOf(".") + 1).toLowerCase();
};
