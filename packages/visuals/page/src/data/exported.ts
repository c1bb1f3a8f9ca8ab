import type { Refusal } from "../../../src/explorer/api.js";
import { type DataSource, RequestError } from "./source.js";

/** What the page of an export is given: files in it, and how those beside it hand over what they hold. */
interface SaevExport {
  /** By address: JSON as text, everything else base64. */
  readonly files: Record<string, string>;
  /** Sides of the pictures, in pixels. */
  readonly sizes: readonly number[];
  take?: (address: string, content: string) => void;
}

declare global {
  interface Window {
    saevExport?: SaevExport;
  }
}

/** The data of an export, or undefined on a page that a server gave. */
export function exportedSource(): DataSource | undefined {
  const exported = window.saevExport;
  if (!exported) return undefined;
  const whole = "session.json" in exported.files;
  const waiting = new Map<string, (content: string) => void>();
  exported.take = (address, content) => waiting.get(address)?.(content);

  /** A page from disk may load a script from beside it, and nothing else. */
  const load = (address: string) =>
    new Promise<string>((resolve, reject) => {
      const script = document.createElement("script");
      waiting.set(address, resolve);
      script.src = `data/${address}.js`;
      script.onerror = () => reject(new RequestError("this is not part of the export"));
      script.onload = () => script.remove();
      document.head.append(script);
    });
  const content = async (address: string) => {
    const kept = exported.files[address];
    if (kept !== undefined) return kept;
    // No script is asked for that cannot be there: the browser would call that an error.
    if (whole || address.includes("/live/")) throw new RequestError("this is not part of the export");
    return load(address);
  };
  return {
    json: async <T>(address: string) => {
      const value = JSON.parse(await content(address)) as (T & Partial<Refusal>) | null;
      // What the server refused is part of the export, so that the page says the same.
      if (typeof value?.error === "string") throw new RequestError(value.error);
      return value as T;
    },
    bytes: async (address) => Uint8Array.from(atob(await content(address)), (c) => c.charCodeAt(0)).buffer,
    url: (address) =>
      whole ? `data:image/webp;base64,${exported.files[address] ?? ""}` : `pictures/${address}`,
    live: false,
    sizes: exported.sizes,
  };
}
