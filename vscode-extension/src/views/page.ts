/** The live view's page: a frame with nothing of any turn in it, and a policy that lets only its own script run. */
import { randomBytes } from "node:crypto";
import type { Uri, Webview } from "vscode";

export function page(webview: Webview, files: { readonly script: Uri; readonly style: Uri }): string {
  const nonce = randomBytes(16).toString("base64url");
  const policy = `default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${webview.asWebviewUri(files.style).toString()}">
<title>Copydesk</title>
</head>
<body>
<div id="scroller">
<div id="picker" hidden><label class="hidden" for="turns">Turn</label><select id="turns"></select></div>
<p id="empty">Nothing has run yet. Ask something below, or put the cursor on code and choose a Copydesk action.</p>
<header id="about" hidden>
<h1 id="title"></h1>
<div id="status"><p id="state"></p><button id="cancel" type="button" hidden>Cancel</button></div>
<p id="facts"></p>
<div id="bar"></div>
</header>
<section id="plan"></section>
<p id="dropped" hidden>The beginning is too long to be shown here.</p>
<main id="items" aria-label="What happened"></main>
<section id="evidence"></section>
<section id="review"></section>
</div>
<div id="questions"></div>
<div id="prompt"><textarea id="draft" rows="2"></textarea><button id="send" type="button" class="primary">Send</button></div>
<div id="announcer" class="hidden" role="status" aria-live="polite"></div>
<script nonce="${nonce}" src="${webview.asWebviewUri(files.script).toString()}"></script>
</body>
</html>`;
}
