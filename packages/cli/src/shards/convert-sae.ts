import { existsSync, statSync } from "node:fs";
import path from "node:path";
import type { PythonSchema } from "@saev/core";
import type { CommandLine } from "../argv/read.js";
import { UsageError } from "../errors.js";
import { Exit, type ExitCode } from "../exit.js";
import { interruptible } from "../interrupt.js";
import type { Io } from "../io.js";
import { configJson } from "../job/print-config.js";

/** The Python package's sae.pt by the names that `--to` has for its forms. */
export const pythonSchemas: Readonly<Record<string, PythonSchema>> = {
  "pre-schema": "pre-schema",
  "schema-1": 1,
  "schema-2": 2,
  "schema-3": 3,
  "schema-4": 4,
  "schema-5": 5,
};

/** Writes an SAE of any layout that is read in that of `--to`, and says where it is. */
export async function convertSae(line: CommandLine, io: Io): Promise<ExitCode> {
  const source = line.positionals[0]!;
  const to = line.options.get("to") as string;
  const dir = line.options.get("out") as string;
  const schema = pythonSchemas[to];
  if (existsSync(path.join(source, "metadata.json")))
    throw new UsageError("convert", [
      `${source} is a folder of shards, which --to ${to} cannot write; document or protocol-2.1 can`,
    ]);
  const { exportCheckpoint, exportForPython, makeFolder, SparseAutoencoder } = await import("@saev/core");
  const { dSae, dVit, kind, notKept } = await interruptible(
    async (signal) => {
      using sae = await SparseAutoencoder.load(source, { signal });
      if (to === "saev") {
        const file = path.join(dir, "sae.pt");
        if (existsSync(file))
          throw new UsageError("convert", [`${file} is there already; name another folder`]);
        makeFolder(dir);
        await sae.save(file, {}, { signal });
      }
      const notKept =
        to === "saev"
          ? []
          : schema
            ? await exportForPython(dir, sae, schema, { signal })
            : await exportCheckpoint(dir, sae, to, { signal });
      return { dSae: sae.dSae, dVit: sae.dVit, kind: sae.activation.kind, notKept };
    },
    () => {},
  );
  for (const sentence of notKept) io.stderr.write(`warning: ${sentence}\n`);
  const json = line.options.get("log-format") === "json" || line.options.get("json") === true;
  if (json)
    io.stdout.write(configJson({ kind: "sae-conversion", dir, format: to, sae: kind, dVit, dSae, notKept }));
  else if (line.options.get("quiet") === true) io.stdout.write(`${dir}\n`);
  else io.stdout.write(`${dir}: ${kind} SAE, ${dSae} latents of width ${dVit}, as ${to}\n`);
  return Exit.done;
}

/** Says, where `source` is an SAE, that a layout of shards is not for it. */
export async function refuseSae(source: string, to: string): Promise<void> {
  const { recogniseCheckpoint } = await import("@saev/core");
  if (!statSync(source, { throwIfNoEntry: false })?.isFile() && !(await recogniseCheckpoint(source))) return;
  throw new UsageError("convert", [
    `${source} is no folder of shards, which --to ${to} needs; an SAE goes --to saelens, sparsify, dictionary-learning, ${Object.keys(pythonSchemas).join(", ")} or saev`,
  ]);
}
