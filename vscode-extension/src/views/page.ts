/**
 * The live view's page: a frame with nothing of any turn in it, and a policy that lets only its own script run.
 *
 * Script and style stand in the page itself: it asks for nothing, of any host.
 */
import { randomBytes } from "node:crypto";

export function page({ script, style }: { readonly script: string; readonly style: string }): string {
  const nonce = randomBytes(16).toString("base64url");
  const policy = `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style nonce="${nonce}">${style.replaceAll("</", "<\\/")}</style>
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
<script nonce="${nonce}">${script.replaceAll("</script", "<\\/script")}</script>
</body>
</html>`;
}
