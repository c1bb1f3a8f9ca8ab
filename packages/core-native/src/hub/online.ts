import type { DownloadOptions } from "./download.js";
import { isOffline } from "./environment.js";
import { Http, type HttpOptions } from "./http.js";

export interface OnlineOptions {
  /** Use only what is here; default: `HF_HUB_OFFLINE`. */
  readonly offline?: boolean | undefined;
  /** Whether servers must show a valid certificate; default true. */
  readonly ssl?: boolean | undefined;
  /** @internal Pauses and time-outs, for tests. */
  readonly http?: HttpOptions | undefined;
}

/** Runs `work` with a client, or without one when there is to be no network. */
export async function online<T>(
  options: OnlineOptions & Pick<DownloadOptions, "onNote">,
  work: (http: Http | undefined) => Promise<T>,
): Promise<T> {
  if (options.offline ?? isOffline()) return work(undefined);
  const http = new Http({ ...options.http, ssl: options.ssl });
  if (options.ssl === false)
    options.onNote?.(
      "ssl = false: certificates of servers are not checked; anybody on the way can change what is downloaded",
    );
  try {
    return await work(http);
  } finally {
    await http.close();
  }
}
