import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Dispatcher } from "undici";
import { hubEndpoint, hubToken, stallTimeout, type Token } from "./environment.js";
import { HttpProblem, networkProblem, statusProblem } from "./problems.js";

export interface HttpOptions {
  /** Whether servers must show a valid certificate; default true. */
  readonly ssl?: boolean | undefined;
  /** Attempts without progress before giving up, and the first pause between two, which doubles: 5 and 1000 ms. */
  readonly attempts?: number | undefined;
  readonly backoffMs?: number | undefined;
  /** Milliseconds without a byte before a connection counts as stalled. */
  readonly stallMs?: number | undefined;
}

export interface HttpResponse {
  readonly status: number;
  /** Where the answer came from, after redirects. */
  readonly url: URL;
  header(name: string): string | undefined;
  readonly body: Readable;
}

export interface Request {
  /** What is fetched, for messages. */
  readonly what: string;
  readonly url: URL;
  readonly method?: "GET" | "HEAD";
  readonly headers?: Readonly<Record<string, string>>;
  /** Statuses beside 2xx that are an answer and not a problem. */
  readonly accept?: readonly number[];
  /** Stop before a redirect to another host and give that answer: it carries what is known about the file. */
  readonly stayOnHost?: boolean;
  readonly signal?: AbortSignal | undefined;
}

const longestRetryAfter = 120;

/**
 * Requests for files: proxies of the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`), certificates, redirects, retries.
 * The token goes to the hub's own origin and nowhere else, redirects included.
 */
export class Http {
  readonly #endpoint: URL;
  readonly #token: Token | undefined;
  readonly #options: HttpOptions;
  #dispatcher: Promise<Dispatcher> | undefined;

  constructor(options: HttpOptions = {}) {
    this.#options = options;
    this.#endpoint = hubEndpoint();
    this.#token = hubToken();
  }

  /** Address of the hub, without a slash at its end. */
  get endpoint(): URL {
    return this.#endpoint;
  }

  /** One request, redirects followed, no retries. @throws HttpProblem for anything but success. */
  async once(request: Request): Promise<HttpResponse> {
    const { what, signal } = request;
    const { request: send } = await import("undici");
    let url = request.url;
    for (let hops = 0; ; hops++) {
      signal?.throwIfAborted();
      const stall = this.#options.stallMs ?? stallTimeout();
      const answer = await send(url, {
        method: request.method ?? "GET",
        headers: {
          "user-agent": "saev",
          "accept-encoding": "identity",
          ...request.headers,
          ...this.#credentials(url),
        },
        dispatcher: await this.#agent(),
        headersTimeout: stall,
        bodyTimeout: stall,
        signal: signal ?? null,
      }).catch((error) => {
        if (signal?.aborted) throw signal.reason;
        throw networkProblem(what, url, error);
      });
      const header = (name: string) => {
        const value = answer.headers[name];
        return Array.isArray(value) ? value[0] : value;
      };
      const status = answer.statusCode;
      const response = { status, url, header, body: answer.body };
      const location = header("location");
      if (status >= 300 && status < 400 && location !== undefined) {
        const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
        const leaves = next?.host !== url.host;
        if (request.stayOnHost && leaves) return response;
        await discard(answer.body);
        const followable = next && /^https?:$/.test(next.protocol);
        if (!followable || hops === 10) {
          const where = followable ? "in circles" : "to nowhere";
          throw new HttpProblem(
            "IO",
            `${what}: ${url.host} redirects ${where}; check HF_ENDPOINT`,
            false,
            status,
          );
        }
        url = next;
        continue;
      }
      if ((status >= 200 && status < 300) || request.accept?.includes(status)) return response;
      await discard(answer.body);
      throw statusProblem(what, url, response, this.#token);
    }
  }

  /**
   * Calls `attempt` until it succeeds, pausing after transient problems.
   * @param attempt gets a function to call when it got further than any attempt before it: that starts the count anew.
   */
  async retrying<T>(
    attempt: (progressed: () => void) => Promise<T>,
    options: {
      readonly signal?: AbortSignal | undefined;
      readonly onRetry?: ((why: string) => void) | undefined;
    } = {},
  ): Promise<T> {
    const { attempts = 5, backoffMs = 1000 } = this.#options;
    for (let failures = 0; ; ) {
      try {
        return await attempt(() => {
          failures = 0;
        });
      } catch (error) {
        options.signal?.throwIfAborted();
        if (!(error instanceof HttpProblem) || !error.transient) throw error;
        failures += 1;
        const asked = error.retryAfter ?? 0;
        if (asked > longestRetryAfter) throw error;
        if (failures >= attempts) {
          const { code, message, status, hubCode } = error;
          const said = `${message} (${attempts} attempts)`;
          throw new HttpProblem(code as "IO", said, true, status, hubCode, error.retryAfter, {
            cause: error,
          });
        }
        options.onRetry?.(error.message);
        // Processes that failed together should not come back together.
        const pause = backoffMs * 2 ** (failures - 1) * (0.8 + 0.4 * Math.random());
        await sleep(Math.max(pause, asked * 1000), undefined, { signal: options.signal }).catch(() => {});
        options.signal?.throwIfAborted();
      }
    }
  }

  /** One request with retries. */
  request(request: Request): Promise<HttpResponse> {
    return this.retrying(() => this.once(request), { signal: request.signal });
  }

  /** Closes idle connections. */
  async close(): Promise<void> {
    const agent = await this.#dispatcher?.catch(() => undefined);
    this.#dispatcher = undefined;
    await agent?.destroy();
  }

  #credentials(url: URL): Record<string, string> {
    if (!this.#token || url.origin !== this.#endpoint.origin) return {};
    return { authorization: `Bearer ${this.#token.value}` };
  }

  #agent(): Promise<Dispatcher> {
    this.#dispatcher ??= import("undici").then(({ EnvHttpProxyAgent }) => {
      const tls = { rejectUnauthorized: this.#options.ssl !== false };
      const stall = this.#options.stallMs ?? stallTimeout();
      return new EnvHttpProxyAgent({ connect: { ...tls, timeout: stall }, requestTls: tls, proxyTls: tls });
    });
    return this.#dispatcher;
  }
}

/** Reads the rest of a body away, so that its connection can be used again. */
export async function discard(body: Readable): Promise<void> {
  body.on("error", () => {});
  body.resume();
  if (!body.readableEnded) await Promise.race([new Promise((done) => body.once("close", done)), sleep(200)]);
}
