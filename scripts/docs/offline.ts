import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** What pages of a built site load from elsewhere: scripts, styles, fonts, pictures. Links that a person follows are none. */
export function loadedFromElsewhere(site: string): readonly string[] {
  const found: string[] = [];
  for (const name of readdirSync(site, { recursive: true, encoding: "utf8" })) {
    if (!/\.(html|css)$/.test(name)) continue;
    const text = readFileSync(path.join(site, name), "utf8");
    const loads = name.endsWith(".css")
      ? text.matchAll(/(?:url\(|@import )["']?((?:https?:)?\/\/[^"')]+)/g)
      : text.matchAll(/<(?:script|link|img|iframe|source)\b[^>]*\b(?:src|href)="((?:https?:)?\/\/[^"]+)"/g);
    for (const [, address] of loads) found.push(`${name}: ${address}`);
  }
  return found;
}
