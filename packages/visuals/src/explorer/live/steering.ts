import { SaevError } from "@saev/core";
import type { Change, Steering } from "./api.js";
import { largestValue, mostChanges } from "./limits.js";

/**
 * Reads the body of a request.
 * @throws SaevError `INVALID_ARGUMENT` naming what is wrong.
 */
export function parseSteering(body: unknown, dSae: number, nRows: number): Steering {
  const { changes, rows, keepError, labels } = (body ?? {}) as Record<string, unknown>;
  const wrong = (why: string) => new SaevError("INVALID_ARGUMENT", why);
  const below = (x: unknown, end: number): x is number =>
    Number.isInteger(x) && (x as number) >= 0 && (x as number) < end;
  if (!Array.isArray(changes) || changes.length > mostChanges)
    throw wrong(`changes: expected a list of at most ${mostChanges}`);
  const read = changes.map((entry: unknown, i): Change => {
    const { latent, kind, value } = (entry ?? {}) as Record<string, unknown>;
    if (!below(latent, dSae)) throw wrong(`changes[${i}].latent: expected 0 to ${dSae - 1}`);
    if (kind !== "scale" && kind !== "set") throw wrong(`changes[${i}].kind: expected scale or set`);
    if (typeof value !== "number" || !(Math.abs(value) <= largestValue))
      throw wrong(`changes[${i}].value: expected a number of at most ±${largestValue}`);
    return { latent, kind, value };
  });
  if (rows !== null && !(Array.isArray(rows) && rows.length <= nRows && rows.every((r) => below(r, nRows))))
    throw wrong(`rows: expected null or a list of rows from 0 to ${nRows - 1}`);
  if (typeof keepError !== "boolean") throw wrong("keepError: expected true or false");
  return {
    ...{ changes: read, rows: rows as readonly number[] | null, keepError },
    // Read where they are needed, by `Texts.classes`.
    ...(labels !== undefined && { labels: labels as readonly string[] }),
  };
}
