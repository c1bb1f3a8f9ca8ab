/** What checkpoints hold, and what they encode. */
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { exportForPython, loadCheckpoint, type PythonSchema, SparseAutoencoder } from "@saev/core";
import type { Outcome } from "../area.js";
import { factor, floor, largest, largestDifference, readJson, Tensors } from "./compare.js";

/** Checkpoints encode and reconstruct as recorded. */
export async function* checkpoints(folder: string): AsyncIterable<Outcome> {
  const at = path.join(folder, "sae", "checkpoints");
  for (const name of readdirSync(at).sort()) {
    if (name.endsWith(".json")) continue;
    const file = path.join(at, name, "sae.pt");
    yield* encodes(
      `checkpoints/${name}`,
      file,
      await Tensors.open(at, name, "reference.safetensors"),
      undefined,
    );
  }
  const headers = readJson(at, "load_errors.json") as Record<string, { header: unknown }>;
  const temporary = await mkdtemp(path.join(tmpdir(), "saev-conformance-"));
  try {
    const whole = readFileSync(path.join(at, "schema1-relu", "sae.pt"));
    const archive = whole.subarray(whole.indexOf(10) + 1);
    for (const name of readdirSync(at).sort())
      if (!name.endsWith(".json"))
        yield await writtenAgain(name, path.join(at, name, "sae.pt"), path.join(temporary, name));
    for (const [name, { header }] of Object.entries(headers)) {
      const file = path.join(temporary, `${name}.pt`);
      await writeFile(file, Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), archive]));
      yield await refused(`checkpoints/load_errors.json ${name}`, undefined, () => loadCheckpoint(file));
    }
  } finally {
    await rm(temporary, { recursive: true });
  }
  // March 2026 reads the oldest files without subtracting b_dec: forcing that formula gives its values.
  const old = readJson(at, "head_loader_on_old_files.json") as Record<string, { loads: boolean }>;
  for (const [name, { loads }] of Object.entries(old)) {
    if (!loads) continue;
    const reference = await Tensors.open(at, name, "reference_head.safetensors");
    yield* encodes(`checkpoints/${name} read as raw`, path.join(at, name, "sae.pt"), reference, "raw");
  }
}

async function* encodes(
  subject: string,
  file: string,
  reference: Tensors,
  input: "raw" | "centred" | undefined,
): AsyncIterable<Outcome> {
  using sae = (await loadCheckpoint(file, { input })).sae;
  using x = reference.tensor("x");
  using latents = await sae.encode(x);
  const outcome = (what: string, ours: Float32Array): Outcome => {
    const theirs = reference.floats(what);
    return {
      subject: `${subject} ${what}`,
      deviation: largestDifference(ours, theirs),
      tolerance: factor * floor * largest(theirs),
      note: "float32 sums in another order",
    };
  };
  yield outcome("f_x", latents.toDense());
  using xHat = await sae.decode(latents);
  yield outcome("x_hat", xHat.toFloat32Array());
}

/** Written in its own schema, a file has the same header, as JSON, and the same bits. */
async function writtenAgain(name: string, file: string, dir: string): Promise<Outcome> {
  const { sae, header } = await loadCheckpoint(file);
  await exportForPython(dir, sae, (header.schema ?? "pre-schema") as PythonSchema);
  using back = await SparseAutoencoder.load(path.join(dir, "sae.pt"));
  const everything = (where: string, of: SparseAutoencoder) => {
    const bytes = readFileSync(where);
    const line = JSON.parse(bytes.subarray(0, bytes.indexOf(10)).toString()) as unknown;
    const bits = Object.entries(of.tensors()).map(([key, tensor]) => {
      const { buffer, byteOffset, byteLength } = tensor.toFloat32Array();
      return [key, tensor.shape, Buffer.from(buffer, byteOffset, byteLength)];
    });
    return [line, of.activation, of.input, bits];
  };
  const same = isDeepStrictEqual(everything(path.join(dir, "sae.pt"), back), everything(file, sae));
  sae.dispose();
  return {
    subject: `checkpoints/${name} written again`,
    deviation: same ? 0 : 1,
    tolerance: 0,
    note: "the same header, as JSON, and the same bits",
  };
}

export async function refused(
  subject: string,
  code: string | undefined,
  call: () => Promise<unknown>,
): Promise<Outcome> {
  try {
    await call();
    return { subject, deviation: 1, tolerance: 0, note: "was read, should be refused" };
  } catch (error) {
    const found = (error as { code?: string }).code;
    const right = code === undefined ? typeof found === "string" : found === code;
    return { subject, deviation: right ? 0 : 1, tolerance: 0, note: `refused: ${(error as Error).message}` };
  }
}
