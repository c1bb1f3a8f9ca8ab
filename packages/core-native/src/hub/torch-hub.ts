import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import path from "node:path";
import { SaevError } from "../errors.js";
import { type DownloadOptions, download } from "./download.js";
import { torchHubFolder } from "./environment.js";
import { discard, type Http } from "./http.js";

/** Where torch.hub keeps the file of this address. */
export function torchHubFile(url: URL): string {
  const name = path.posix.basename(url.pathname);
  if (!/^[\w.-]+$/.test(name) || /^\.+$/.test(name)) {
    throw new SaevError("INVALID_ARGUMENT", `${url.host}: expected an address that ends with a file's name`);
  }
  return path.join(torchHubFolder(), name);
}

/** The file of this address in torch.hub's cache, if it is there. */
export async function cachedTorchHubFile(url: URL): Promise<string | undefined> {
  const file = torchHubFile(url);
  return (await stat(file).catch(() => undefined))?.isFile() ? file : undefined;
}

/**
 * The file of this address in torch.hub's cache, downloaded unless it is there. Where the name holds the beginning of its
 * SHA-256, as torchvision's do (`name-0123abcd.pth`), that is checked; the size always is.
 */
export async function torchHubDownload(http: Http, url: URL, options: DownloadOptions = {}): Promise<string> {
  const target = torchHubFile(url);
  const name = path.basename(target);
  if (await cachedTorchHubFile(url)) return target;
  const head = await http.request({ what: name, url, method: "HEAD", signal: options.signal });
  await discard(head.body);
  const length = head.header("content-length");
  const etag = head.header("etag");
  const hash = /-([a-f0-9]{8,64})\./.exec(name);
  await download(
    http,
    {
      url,
      what: name,
      name,
      target,
      lock: `${target}.saev.lock`,
      version: etag && createHash("sha256").update(etag).digest("hex").slice(0, 12),
      // Without a mark of the version, what an earlier process left may be of another: size unknown, start anew.
      size: etag && length && /^\d+$/.test(length) ? Number(length) : undefined,
      digest: hash ? { kind: "sha256", hex: hash[1]! } : undefined,
    },
    options,
  );
  return target;
}
