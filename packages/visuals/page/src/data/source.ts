import type { Refusal } from "../../../src/explorer/api.js";

/** Where the page's data comes from: the server, or the files of an export. Addresses are those of `api.ts`. */
export interface DataSource {
  json<T>(address: string): Promise<T>;
  bytes(address: string): Promise<ArrayBuffer>;
  /** For an `<img>`. */
  url(address: string): string;
  /** Whether there is a program behind it that runs models and writes notes. */
  readonly live: boolean;
  /** Sides in which it has pictures, in pixels, ascending. */
  readonly sizes: readonly number[];
}

/** What went wrong, in the server's words. */
export class RequestError extends Error {
  constructor(
    message: string,
    /** The whole of what the server said. */
    readonly refusal?: Refusal | undefined,
  ) {
    super(message);
  }
}

const early = new Map<string, Promise<Response>>();

/** Asks the server for what will be asked for soon; the answer waits for that. */
export function askEarly(address: string): void {
  const answer = fetch(`./api/${address}`);
  early.set(address, answer);
  // Who takes it sees the failure.
  answer.catch(() => {});
}

async function ask(address: string, init?: RequestInit): Promise<Response> {
  const started = init ? undefined : early.get(address);
  if (started) early.delete(address);
  let answer: Response;
  try {
    answer = await (started ?? fetch(`./api/${address}`, init));
  } catch {
    throw new RequestError("the server does not answer: is saev explore still running?");
  }
  if (answer.ok) return answer;
  const refusal = (await answer.json().catch(() => undefined)) as Refusal | undefined;
  throw new RequestError(refusal?.error ?? `${answer.status} ${answer.statusText}`, refusal);
}

/** The server of `saev explore`. */
export const server: DataSource = {
  json: async <T>(address: string) => (await (await ask(address)).json()) as T,
  bytes: async (address) => (await ask(address)).arrayBuffer(),
  url: (address) => `./api/${address}`,
  live: true,
  sizes: [96, 160, 320, 448],
};

/** Writes through the server. */
export async function send(method: "PUT" | "POST", address: string, body: BodyInit): Promise<Response> {
  return ask(address, { method, body });
}
