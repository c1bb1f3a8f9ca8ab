import { SaevError } from "@saev/core";
import { escapeHtml } from "../../gallery/escape.js";
import { pageFiles } from "../server/assets.js";

/** Nothing but what lies beside the page, or in it, is ever loaded. */
const policy = [
  "default-src 'none'",
  "script-src 'unsafe-inline' 'self' file:",
  "style-src 'unsafe-inline'",
  "img-src 'self' file: data:",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/**
 * The explorer's page in one file, script and style inside: a page opened from disk may load no module from beside it.
 * @param script put before the page's own: where its data is.
 */
export function exportPage(title: string, script: string): string {
  const files = pageFiles("page-whole");
  const text = (extension: string) =>
    [...files]
      .filter(([name]) => name.endsWith(extension))
      .map(([, bytes]) => new TextDecoder().decode(bytes))
      .join("\n");
  const code = text(".js");
  if (code === "") throw new SaevError("NOT_FOUND", "the explorer's page has no script: build it again");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)} · saev explorer</title>
<link rel="icon" href="data:,">
<style>${text(".css")}</style>
</head>
<body>
<div id="app"></div>
<script>${inScript(script)}</script>
<script type="module">${inScript(code)}</script>
</body>
</html>
`;
}

/** A script's text that no HTML parser takes for its end. */
const inScript = (code: string) => code.replaceAll(/<(?=\/script|!--)/gi, "\\x3C");
