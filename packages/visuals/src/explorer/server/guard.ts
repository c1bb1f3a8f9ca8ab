import { createHash, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import { hostname } from "node:os";
import type { Context, MiddlewareHandler } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import type { Refusal } from "../api.js";

export interface GuardOptions {
  /** What every request must show, at first in the address and then in a cookie. */
  readonly token: string;
  /** Address that the server listens on. */
  readonly host: string;
  /** Port that it listens on, known once it does. */
  readonly port: () => number;
}

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  // Plots carry a style sheet and style attributes of their own.
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' blob: data:",
  "connect-src 'self'",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const headers = {
  "Content-Security-Policy": policy,
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cross-Origin-Opener-Policy": "same-origin",
} as const;

/**
 * Lets a request pass that comes from the page itself, and no other. Against a page elsewhere that knows the port: the token,
 * which it cannot read. Against one whose name was pointed at this machine (DNS rebinding): the `Host` must be ours.
 * Against forms and scripts elsewhere: a request that changes something must name our origin, and one that a browser calls
 * cross-site is refused.
 */
export function guard(options: GuardOptions): MiddlewareHandler {
  return async (c, next) => {
    for (const [name, value] of Object.entries(headers)) c.header(name, value);
    const host = c.req.header("host") ?? "";
    if (!isOurHost(host, options)) {
      return refuse(
        c,
        `this server is not ${JSON.stringify(host)}: open the address that saev explore printed`,
      );
    }
    if (c.req.header("sec-fetch-site") === "cross-site" && !isOpening(c)) {
      return refuse(c, "a request from another site");
    }
    if (!["GET", "HEAD"].includes(c.req.method) && c.req.header("origin") !== `http://${host}`) {
      return refuse(c, "a change that another site asks for");
    }
    const cookie = `saev-${options.port()}`;
    const shown = c.req.query("token");
    if (shown !== undefined && equal(shown, options.token)) {
      setCookie(c, cookie, options.token, { httpOnly: true, sameSite: "Strict", path: "/" });
      // Out of the address bar, the history and what the person copies to a colleague.
      return c.redirect(c.req.path);
    }
    if (!equal(getCookie(c, cookie) ?? "", options.token)) {
      return refuse(
        c,
        "the token is missing or wrong: open the address that saev explore printed, with its token",
      );
    }
    await next();
  };
}

function refuse(c: Context, error: string) {
  return c.json({ error } satisfies Refusal, 403);
}

/** A person following a link or typing the address: no script can read what comes of it. */
const isOpening = (c: Context) => c.req.method === "GET" && c.req.header("sec-fetch-mode") === "navigate";

const digest = (text: string) => createHash("sha256").update(text).digest();

/** In a time that tells nothing of where they differ. */
const equal = (a: string, b: string) => timingSafeEqual(digest(a), digest(b));

function isOurHost(header: string, { host, port }: GuardOptions): boolean {
  const match = /^(\[[0-9a-f:.]+\]|[^:]*)(?::(\d+))?$/i.exec(header);
  if (!match || Number(match[2] ?? 80) !== port()) return false;
  const name = match[1]!.toLowerCase().replace(/^\[|\]$/g, "");
  if (name === host.toLowerCase() || isLoopback(name)) return true;
  const everywhere = host === "0.0.0.0" || host === "::";
  // By number, or by the machine's own name: a name that somebody else points here is neither.
  return everywhere && (isIP(name) !== 0 || name === hostname().toLowerCase());
}

/** Whether an address, in lower case, leads to this machine whatever its network. */
export const isLoopback = (host: string) => ["localhost", "127.0.0.1", "::1"].includes(host);
