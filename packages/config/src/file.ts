import { requireHere } from "./deferred.js";
import { ConfigError, type ConfigErrorCode } from "./issues.js";

export type ConfigFormat = "toml" | "json";

/**
 * Reads a config or a sweep from a file: TOML, or JSON if its name ends in ".json".
 * @returns the plain value, unchecked: give it to `parseTrain` or `grid`. A "$schema" that tells editors where the
 *   JSON Schema is has been taken out.
 * @throws ConfigError NOT_FOUND, IO or BAD_FILE, naming the file, and line and column of a fault.
 */
export function loadConfigFile(path: string): Record<string, unknown> {
  let bytes: Buffer;
  try {
    bytes = process.getBuiltinModule("node:fs").readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw fault("NOT_FOUND", "a TOML or JSON file", "no such file", path, error);
    if (code === "EISDIR") throw fault("IO", "a TOML or JSON file", "a folder", path, error);
    throw fault("IO", "a readable file", code ?? "an error", path, error);
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw fault("BAD_FILE", "UTF-8 text", "bytes that are not", path, error);
  }
  return parseConfigText(text, path.toLowerCase().endsWith(".json") ? "json" : "toml", path);
}

/**
 * Parses the text of a config or a sweep.
 * @param where what the text is, for messages.
 * @throws ConfigError BAD_FILE.
 */
export function parseConfigText(text: string, format: ConfigFormat, where?: string): Record<string, unknown> {
  const value = format === "json" ? parseJson(text, where) : parseToml(text, where);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw fault("BAD_FILE", "a JSON object", Array.isArray(value) ? "a list" : JSON.stringify(value), where);
  }
  const { $schema: _, ...rest } = value as Record<string, unknown>;
  return rest;
}

function parseJson(text: string, where: string | undefined): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw fault("BAD_FILE", "JSON", oneLine((error as Error).message), where, error);
  }
}

function parseToml(text: string, where: string | undefined): unknown {
  const toml = requireHere("smol-toml") as typeof import("smol-toml");
  try {
    return toml.parse(text);
  } catch (error) {
    if (!(error instanceof toml.TomlError)) throw error;
    const { line, column, message } = error;
    const reason = oneLine(message.split("\n\n")[0]!.replace(/^Invalid TOML document: /, ""));
    throw fault("BAD_FILE", "TOML", `${reason} (line ${line}, column ${column})`, where, error);
  }
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ").trim();

function fault(
  code: ConfigErrorCode,
  expected: string,
  found: string,
  where: string | undefined,
  cause?: unknown,
): ConfigError {
  const message = `expected ${expected}, found ${found}`;
  return new ConfigError(
    code,
    [{ path: "", expected, found, message }],
    where,
    cause === undefined ? {} : { cause },
  );
}
