import { spawn } from "node:child_process";
import type { Collection } from "@saev/visuals/explorer";
import { text, toggle, whole } from "../argv/option.js";
import { Interrupted } from "../errors.js";
import { Exit, type ExitCode } from "../exit.js";
import { interruptible } from "../interrupt.js";
import type { Io } from "../io.js";
import { readSimple, type SimpleCommand } from "../simple-command.js";
import { amount } from "../text.js";
import { imagesOf, imagesOption } from "./images-option.js";

const command: SimpleCommand = {
  doc: {
    name: "explore",
    summary: "Opens a page in the browser on which latents are found, read, compared, named and steered.",
    details: [
      "PATH is a visuals folder (what saev visuals or the Python package wrote: sort_by_patch, sort_by_img, sort_by_cls), a training run, its sae.pt, or a folder that holds some of these.",
      "The page is served on this machine only, at an address with a random token; nothing is loaded from anywhere else. Names and notes are saved in notes.json in the visuals folder. Ctrl-C ends it.",
      "--host 0.0.0.0 lets other machines reach it: whoever has the address with its token sees the pictures, can change notes and have the model look at pictures.",
    ],
    examples: [
      ["What saev visuals made.", "saev explore gallery"],
      ["A sweep and its galleries.", "saev explore checkpoints gallery"],
      [
        "On a server, to be reached through ssh -L 8000:localhost:8000.",
        "saev explore gallery --port 8000 --no-open",
      ],
      ["What the Python package wrote.", "saev explore data/sort_by_patch --images photographs"],
    ],
  },
  options: [
    text("host", "ADDRESS", "an address of this machine", "Address to listen on; default 127.0.0.1."),
    whole("port", "PORT", "a port, 0 to 65535", "Port to listen on; default: any free one."),
    text("token", "TOKEN", "some letters and digits", "Token of the address; default: a random one."),
    imagesOption,
    text(
      "classes",
      "FILE",
      "the path of a file",
      "Labels that pictures are scored with: their names, one a line, or embeddings of them or a linear head in a safetensors file, see docs/explorer.md.",
    ),
    text(
      "patch-head",
      "FILE",
      "the path of a file",
      "A linear classifier of patches, whose labels the page shows over a picture and steering moves, see docs/explorer.md.",
    ),
    { ...toggle("open", "Whether to open the page in the browser."), default: true, negation: "--no-open" },
  ],
  positionals: ["PATH…"],
};

/** Serves the explorer until a signal ends it. */
export async function runExplore(words: readonly string[], io: Io): Promise<ExitCode> {
  const line = readSimple(command, words, io);
  if (line === undefined) return Exit.done;
  const option = (name: string) => line.options.get(name) as string | undefined;
  const { Collection, serveExplorer } = await import("@saev/visuals/explorer");
  const collection = await Collection.open(line.positionals, {
    ...imagesOf(line),
    classes: option("classes"),
    patchHead: option("patch-head"),
  });
  try {
    const server = await serveExplorer(collection, {
      host: option("host"),
      port: line.options.get("port") as number | undefined,
      token: option("token"),
    });
    io.stderr.write(`${contents(collection)}; Ctrl-C ends it\n`);
    io.stdout.write(`${server.url}\n`);
    if (line.options.get("open") !== false) openBrowser(server.url);
    try {
      await interruptible(until, () => {});
    } finally {
      await server.close();
    }
  } catch (error) {
    // Ctrl-C is how it ends.
    if (!(error instanceof Interrupted)) throw error;
  } finally {
    collection.dispose();
  }
  return Exit.done;
}

const until = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

const contents = ({ views, runs }: Collection) =>
  [
    views.size > 0 && amount(views.size, "set of visuals", "sets of visuals"),
    runs.size > 0 && amount(runs.size, "run"),
  ]
    .filter((part) => part !== false)
    .join(" and ");

/** Asks the desktop for its browser; where there is none, the address on standard output is there for the person. */
function openBrowser(url: string): void {
  const opener = process.platform === "darwin" ? "open" : "xdg-open";
  spawn(opener, [url], { stdio: "ignore", detached: true })
    .on("error", () => {})
    .unref();
}
