import { SaevError, type SaevErrorCode } from "@saev/core";
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Refusal } from "../api.js";

/** What an error's code is to HTTP. Others are 500. */
const statuses: Partial<Record<SaevErrorCode, ContentfulStatusCode>> = {
  NOT_FOUND: 404,
  INVALID_ARGUMENT: 400,
  SHAPE_MISMATCH: 400,
  BAD_FILE: 422,
  UNSUPPORTED: 422,
};

/** The answer to a request that failed: its message as JSON. */
export function errorAnswer(error: Error, c: Context): Response {
  if (error instanceof HTTPException) {
    return c.json({ error: error.message } satisfies Refusal, error.status);
  }
  if (error instanceof SaevError) {
    return c.json({ error: error.message } satisfies Refusal, statuses[error.code] ?? 500);
  }
  return c.json({ error: `${error.name}: ${error.message}` } satisfies Refusal, 500);
}

export const notFound = (what: string) => new SaevError("NOT_FOUND", what);

/** A whole number of a path, from 0 to below `end`. @throws SaevError `NOT_FOUND`. */
export function index(text: string, end: number, what: string): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value < end) return value;
  throw notFound(`${what} ${text}: expected 0 to ${end - 1}`);
}

/** Bytes of a binary answer. */
export const binary = (c: Context, bytes: Uint8Array) =>
  c.body(bytes as Uint8Array<ArrayBuffer>, 200, { "Content-Type": "application/octet-stream" });
