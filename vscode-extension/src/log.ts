/** The log's rules: no key and no password in it, and the server's lines at the level they were written with. */

export interface Lines {
  error(line: string): void;
  warn(line: string): void;
  info(line: string): void;
  debug(line: string): void;
}

const HIDDEN = "***";
const MIN_SECRET = 6;

/** Hides the secrets themselves, and passwords in addresses. */
export function redact(text: string, secrets: Iterable<string>): string {
  let redacted = text.replace(/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, `$1${HIDDEN}@`);
  for (const secret of secrets) {
    if (secret.length >= MIN_SECRET) redacted = redacted.replaceAll(secret, HIDDEN);
  }
  return redacted;
}

/** Writes a line of the server's stderr: "2026-… WARNING copydesk.x: text", or a traceback's lines as they come. */
export function writeServerLine(line: string, to: Lines): void {
  const level = /^\S+ \S+ (DEBUG|INFO|WARNING|ERROR|CRITICAL) /.exec(line);
  const text = level === null ? line : line.slice(level[0].length);
  if (level?.[1] === "DEBUG") to.debug(text);
  else if (level?.[1] === "INFO") to.info(text);
  else if (level?.[1] === "ERROR" || level?.[1] === "CRITICAL") to.error(text);
  else to.warn(text);
}
