import { SaevError } from "../errors.js";
import type { Token } from "./environment.js";

/** An answer that is no success, or no answer at all; `retryAfter` is what the server asked for, in seconds. */
export class HttpProblem extends SaevError {
  constructor(
    code: "NOT_FOUND" | "IO" | "BAD_FILE",
    message: string,
    readonly transient: boolean,
    readonly status?: number,
    /** The hub's own word for it: "EntryNotFound", "GatedRepo" … */
    readonly hubCode?: string,
    readonly retryAfter?: number,
    options?: ErrorOptions,
  ) {
    super(code, message, options);
  }
}

/** Whether there was no answer that says anything about what was asked for. */
export const isUnreachable = (error: unknown): boolean =>
  error instanceof HttpProblem && (error.status === undefined || error.transient);

/** An address fit for a message: signatures and passwords travel in queries and user names. */
export function shownUrl(url: URL | string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/** A name that a server or a file gave, fit for a message: one line, and not long. */
export function shownName(name: string): string {
  const line = name.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ");
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}

export interface Answer {
  readonly status: number;
  header(name: string): string | undefined;
}

/**
 * What an answer that is no success means, and what to do about it.
 * @param what is being fetched, e.g. "open_clip_config.json of org/name".
 */
export function statusProblem(what: string, url: URL, answer: Answer, token: Token | undefined): HttpProblem {
  const { status } = answer;
  const hubCode = answer.header("x-error-code");
  const at = `${what}: ${shownUrl(url)} answered ${status}`;
  const make = (code: "NOT_FOUND" | "IO", text: string, transient = false, retryAfter?: number) =>
    new HttpProblem(code, `${at}: ${text}`, transient, status, hubCode, retryAfter);
  if (hubCode === "GatedRepo" || status === 403) {
    return make(
      "IO",
      token
        ? `the account of the token in ${token.from} has no access; open the model's page, accept its conditions, and check that the token may read gated models`
        : "access is granted on request; open the model's page while logged in, accept its conditions, then set HF_TOKEN",
    );
  }
  if (status === 401) {
    return make(
      "IO",
      token
        ? `the token in ${token.from} is not accepted; make a new one, or unset it for public models (the hub answers so for names that do not exist, too)`
        : "there is no such public model; check the name, or set HF_TOKEN (or run hf auth login) for a private one",
    );
  }
  if (status === 404 || status === 410) {
    const missing =
      hubCode === "RepoNotFound"
        ? "there is no such repository; check its name, and HF_TOKEN if it is private"
        : hubCode === "RevisionNotFound"
          ? "the repository has no such revision; give a branch, a tag or a commit that it has"
          : "there is nothing under this name; check it, and HF_ENDPOINT if that is set";
    return make("NOT_FOUND", missing);
  }
  if (status === 407) return make("IO", "the proxy wants a login; put it into HTTPS_PROXY");
  if (status === 429) {
    const retryAfter = retryAfterOf(answer);
    const wait = retryAfter === undefined ? "wait some minutes" : `wait ${retryAfter} s`;
    return make(
      "IO",
      `too many requests; ${wait}${token ? "" : ", or set HF_TOKEN, which allows more"}`,
      true,
      retryAfter,
    );
  }
  if (status >= 500 || status === 408) {
    return make(
      "IO",
      "the server failed; try again later, or name a mirror with HF_ENDPOINT",
      true,
      retryAfterOf(answer),
    );
  }
  return make("IO", "expected a file; check the address and HF_ENDPOINT");
}

function retryAfterOf(answer: Answer): number | undefined {
  const text = answer.header("retry-after");
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - Date.now()) / 1000));
}

const certificateCodes = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/;

/** What a failed connection means, and what to do about it. */
export function networkProblem(what: string, url: URL, error: unknown): HttpProblem {
  const cause = rootOf(error);
  const code = cause.code ?? "";
  const make = (text: string, transient: boolean) =>
    new HttpProblem("IO", `${what}: ${text}`, transient, undefined, undefined, undefined, { cause: error });
  if (certificateCodes.test(code)) {
    return make(
      `the certificate of ${url.host} cannot be verified (${code}); give your organisation's root certificate with ` +
        "NODE_EXTRA_CA_CERTS=FILE, or, as a last resort, leave it unverified with ssl = false",
      false,
    );
  }
  if (code === "EPROTO" || code.startsWith("ERR_SSL")) {
    return make(
      `${url.host} does not speak TLS (${code}); check http:// and https:// in HF_ENDPOINT and the proxy`,
      false,
    );
  }
  if (/TIMEOUT/.test(code)) {
    return make(
      `${url.host} sent nothing for too long (${code}); check the connection, or try a mirror with HF_ENDPOINT`,
      true,
    );
  }
  const cut =
    code === "UND_ERR_SOCKET" ||
    code === "ECONNRESET" ||
    code === "EPIPE" ||
    /content.length/i.test(cause.message);
  if (cut) return make(`${url.host} closed the connection early (${code || cause.message})`, true);
  const why = code || cause.message;
  return make(
    `cannot reach ${url.host} (${why}); check the connection, HTTPS_PROXY and HF_ENDPOINT, or use what is cached with HF_HUB_OFFLINE=1`,
    code !== "ENOTFOUND" && code !== "ECONNREFUSED",
  );
}

function rootOf(error: unknown): { code?: string; message: string } {
  let at = error as { code?: string; message: string; cause?: unknown; errors?: unknown[] };
  for (let depth = 0; depth < 5; depth++) {
    const next = at.errors?.[0] ?? at.cause;
    if (
      typeof at.code === "string" &&
      !(next instanceof Error && "code" in next && at.code === "UND_ERR_ABORTED")
    )
      break;
    if (!(next instanceof Error)) break;
    at = next as typeof at;
  }
  return { ...(typeof at.code === "string" && { code: at.code }), message: String(at.message) };
}
