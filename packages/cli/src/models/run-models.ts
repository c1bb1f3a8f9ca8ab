import { vitFamilies } from "@saev/config";
import type { KnownModel } from "@saev/core";
import { jsonOption, oneOf, toggle } from "../argv/option.js";
import { Exit, type ExitCode } from "../exit.js";
import type { Io } from "../io.js";
import { configJson } from "../job/print-config.js";
import { readSimple, type SimpleCommand } from "../simple-command.js";
import { amount, bytes, table } from "../text.js";

const command: SimpleCommand = {
  doc: {
    name: "models",
    summary:
      "Lists the models that --vit-ckpt can name: every vision transformer among open_clip's pretrained tags, DINOv2, and models that were downloaded from the hub.",
    details: [
      "FILTER is a part of the name, the family or the repository; of several parts, separated by spaces, all must fit. No server is asked. Besides these names, --vit-ckpt takes any repository of the hub (hf-hub:org/name), a folder, or a file.",
    ],
    examples: [
      ["All of them.", "saev models"],
      ["One size.", "saev models ViT-L-14"],
      ["What is on this machine already.", "saev models --cached"],
      ["For a script.", "saev models openai --json"],
    ],
  },
  options: [
    oneOf("family", ["any", ...vitFamilies], "List only models of this family."),
    toggle("cached", "List only what is downloaded."),
    jsonOption("Print the list as JSON."),
  ],
  positionals: ["[FILTER]"],
};

/** Prints the known models that fit, as a table or as JSON. */
export async function runModels(words: readonly string[], io: Io): Promise<ExitCode> {
  const line = readSimple(command, words, io);
  if (line === undefined) return Exit.done;
  const parts = (line.positionals[0] ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const family = line.options.get("family") ?? "any";
  const { knownModels } = await import("@saev/core");
  const models = (await knownModels()).filter(
    ({ name, sizes, source, cached }) =>
      (family === "any" || sizes?.family === family) &&
      (cached !== undefined || line.options.get("cached") !== true) &&
      parts.every((part) => `${name} ${sizes?.family ?? ""} ${source}`.toLowerCase().includes(part)),
  );
  if (line.options.get("json") === true) io.stdout.write(configJson(models.map(jsonOf)));
  else io.stdout.write(models.length === 0 ? "no model fits\n" : textOf(models));
  return Exit.done;
}

function textOf(models: readonly KnownModel[]): string {
  const side = ([height, width]: readonly [number, number]) =>
    height === width ? `${height}` : `${height}×${width}`;
  const rows = models.map(({ name, sizes, cached }) => [
    name,
    sizes ? `${sizes.family}${sizes.runs ? "" : " *"}` : "unknown *",
    ...(sizes
      ? [
          `${sizes.dVit}`,
          `${sizes.layers}`,
          `${sizes.nPatches}`,
          side(sizes.image),
          sizes.clsToken ? "yes" : "no",
        ]
      : ["", "", "", "", ""]),
    cached ? bytes(cached.bytes) : "",
  ]);
  const head = ["vit_ckpt", "family", "d_vit", "layers", "patches", "pixels", "cls", "downloaded"];
  const later = models.some(({ sizes }) => !sizes?.runs)
    ? "\n* this version downloads it and does not run it\n"
    : "";
  return `${table(head, rows)}\n${amount(models.length, "model")}\n${later}`;
}

const jsonOf = ({ name, sizes, source, cached }: KnownModel) => ({
  vit_ckpt: name,
  vit_family: sizes?.family ?? null,
  d_vit: sizes?.dVit ?? null,
  layers: sizes?.layers ?? null,
  heads: sizes?.heads ?? null,
  n_patches_per_img: sizes?.nPatches ?? null,
  cls_token: sizes?.clsToken ?? null,
  image: sizes?.image ?? null,
  patch: sizes?.patch ?? null,
  runs: sizes?.runs ?? false,
  source,
  cached: cached ?? null,
});
