import { statSync } from "node:fs";
import { bytes, count } from "../text.js";
import type { Info } from "./info.js";
import { noteOf, sizeOf, type TensorNote, tensorTable } from "./tensor-file.js";

type Table = Readonly<Record<string, unknown>>;

/** An SAE's checkpoint: its line of JSON and its tensors, of any schema that the Python package wrote. */
export async function saeInfo(path: string): Promise<Info> {
  const { readSaeFile } = await import("@saev/core");
  const { header, tensors } = await readSaeFile(path);
  const notes: TensorNote[] = [];
  for (const [name, tensor] of tensors) {
    notes.push(noteOf(name, tensor));
    tensor.dispose();
  }
  const schema = header.schema;
  // Before schema 1 the line was the config itself.
  const cfg = (isTable(header.cfg) ? header.cfg : header) as Table;
  const [dVit, dSae] = notes.find(({ name }) => name === "W_enc")?.shape ?? [];
  const size = statSync(path).size;
  const missing = ["W_enc", "b_enc", "W_dec", "b_dec"].filter((name) => !notes.some((n) => n.name === name));
  const told = (value: unknown): string => (isTable(value) ? JSON.stringify(value) : String(value));
  return {
    title: "sparse autoencoder",
    lines: [
      ["kind", kindOf(header, cfg)],
      ["schema", schema === undefined ? "none (written before schemas)" : String(schema)],
      ...(dVit === undefined || dSae === undefined
        ? []
        : ([
            ["d_vit", count(dVit)],
            ["d_sae", `${count(dSae)} latents`],
          ] as const)),
      ["parameters", count(notes.reduce((sum, { shape }) => sum + sizeOf(shape), 0))],
      ["size", bytes(size)],
      ...Object.entries(cfg)
        .filter(([name]) => !["d_vit", "d_sae"].includes(name))
        .map(([name, value]) => [name, told(value)] as const),
      ...["commit", "lib"]
        .filter((name) => typeof header[name] === "string")
        .map((name) => [name, String(header[name])] as const),
    ],
    below: tensorTable(notes),
    json: {
      kind: "sae",
      path,
      header,
      d_vit: dVit ?? null,
      d_sae: dSae ?? null,
      tensors: notes,
      bytes: size,
    },
    problems: missing.map((name) => `${name} is missing: this is no complete SAE`),
  };
}

function kindOf(header: Table, cfg: Table): string {
  if (typeof header.cls === "string") return header.cls;
  const activation = cfg.activation;
  if (isTable(activation) && typeof activation.cls === "string") return activation.cls;
  return "Relu";
}

const isTable = (value: unknown): value is Table =>
  typeof value === "object" && value !== null && !Array.isArray(value);
