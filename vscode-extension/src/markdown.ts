/**
 * Markdown as a tree of blocks and spans: what a model's answer is shown from, without any HTML on the way.
 *
 * Owns a small grammar: paragraphs, headings, fenced code, lists, quotes, tables, rules; code, strong, emphasis, links.
 * Everything else is text. Knows no DOM. Start with `parseBlocks`. A block is decided by its own lines alone, so that
 * while a text grows, only its last two blocks can still change: the last may turn out to go on with the one before.
 */

export type Span =
  | { readonly type: "text" | "code"; readonly text: string }
  | { readonly type: "strong" | "emphasis"; readonly spans: readonly Span[] }
  | { readonly type: "link"; readonly url: string; readonly spans: readonly Span[] };

export type Block =
  | { readonly type: "paragraph" | "quote"; readonly spans: readonly Span[] }
  | { readonly type: "heading"; readonly level: number; readonly spans: readonly Span[] }
  | { readonly type: "code"; readonly language: string; readonly text: string }
  | { readonly type: "list"; readonly items: readonly ListItem[] }
  | { readonly type: "table"; readonly rows: readonly (readonly (readonly Span[])[])[] }
  | { readonly type: "rule" };

/** `marker` is "•" or the number as it was written. */
export interface ListItem {
  readonly depth: number;
  readonly marker: string;
  readonly spans: readonly Span[];
}

export interface PlacedBlock {
  readonly block: Block;
  /** The offset of its first line. */
  readonly start: number;
}

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]*)/;
const HEADING = /^(#{1,6})\s+(.*?)\s*#*$/;
const LIST = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const QUOTE = /^ {0,3}>\s?/;
const TABLE = /^\s*\|.*\|\s*$/;
const TABLE_RULE = /^\s*\|(?:\s*:?-+:?\s*\|)+\s*$/;

interface Line {
  readonly text: string;
  readonly start: number;
}

export function parseBlocks(text: string): PlacedBlock[] {
  const lines = linesOf(text);
  const blocks: PlacedBlock[] = [];
  let at = 0;
  while (at < lines.length) {
    const start = lines[at]?.start ?? 0;
    if (!textAt(lines, at).trim()) {
      at += 1;
      continue;
    }
    const [block, next] = blockAt(lines, at);
    blocks.push({ block, start });
    at = next;
  }
  return blocks;
}

function linesOf(text: string): Line[] {
  let start = 0;
  return text.split("\n").map((each) => {
    const line = { text: each.replace(/\r$/, ""), start };
    start += each.length + 1;
    return line;
  });
}

function textAt(lines: readonly Line[], at: number): string {
  return lines[at]?.text ?? "";
}

function blockAt(lines: readonly Line[], at: number): [Block, number] {
  const first = textAt(lines, at);
  const fence = FENCE.exec(first);
  if (fence) return codeAt(lines, at, fence[1] ?? "", fence[2] ?? "");
  const [heading, marks = "", title = ""] = HEADING.exec(first) ?? [];
  if (heading) return [{ type: "heading", level: marks.length, spans: parseSpans(title) }, at + 1];
  if (RULE.test(first)) return [{ type: "rule" }, at + 1];
  if (LIST.test(first)) return listAt(lines, at);
  if (QUOTE.test(first)) {
    const end = endOf(lines, at, (text) => QUOTE.test(text));
    return [{ type: "quote", spans: parseSpans(joined(lines, at, end, (text) => text.replace(QUOTE, ""))) }, end];
  }
  if (TABLE.test(first)) return tableAt(lines, at);
  const end = endOf(lines, at, (text) => text.trim() !== "" && !opensBlock(text));
  return [{ type: "paragraph", spans: parseSpans(joined(lines, at, end, (text) => text.trim())) }, end];
}

function opensBlock(text: string): boolean {
  return FENCE.test(text) || HEADING.test(text) || LIST.test(text) || QUOTE.test(text) || RULE.test(text);
}

/** The first line after `at` that no longer belongs. */
function endOf(lines: readonly Line[], at: number, belongs: (text: string) => boolean): number {
  let end = at + 1;
  while (end < lines.length && belongs(textAt(lines, end))) end += 1;
  return end;
}

function joined(lines: readonly Line[], at: number, end: number, of: (text: string) => string): string {
  return lines
    .slice(at, end)
    .map((line) => of(line.text))
    .join("\n");
}

/** To the closing fence; to the end while it has not come yet. */
function codeAt(lines: readonly Line[], at: number, fence: string, language: string): [Block, number] {
  const closes = (text: string): boolean => {
    const mark = text.trim();
    return mark.length >= fence.length && mark === fence.charAt(0).repeat(mark.length);
  };
  const end = endOf(lines, at, (text) => !closes(text));
  const text = joined(lines, at + 1, end, (line) => line);
  return [{ type: "code", language, text }, Math.min(end + 1, lines.length)];
}

function listAt(lines: readonly Line[], at: number): [Block, number] {
  const end = endOf(
    lines,
    at,
    (text) => text.trim() !== "" && (LIST.test(text) || (/^\s/.test(text) && !FENCE.test(text))),
  );
  const items: { indent: number; marker: string; text: string }[] = [];
  for (const line of lines.slice(at, end)) {
    const [found, margin = "", marker = "", text = ""] = LIST.exec(line.text) ?? [];
    const last = items.at(-1);
    if (found) {
      const indent = margin.replaceAll("\t", "    ").length;
      items.push({ indent, marker: /\d/.test(marker) ? marker : "•", text });
    } else if (last) last.text += `\n${line.text.trim()}`;
  }
  const depths = [...new Set(items.map((item) => item.indent))].sort((a, b) => a - b);
  const list = items.map(({ indent, marker, text }) => ({
    depth: depths.indexOf(indent),
    marker,
    spans: parseSpans(text),
  }));
  return [{ type: "list", items: list }, end];
}

function tableAt(lines: readonly Line[], at: number): [Block, number] {
  const end = endOf(lines, at, (text) => TABLE.test(text));
  const rows = lines
    .slice(at, end)
    .filter((line) => !TABLE_RULE.test(line.text))
    .map((line) =>
      line.text
        .trim()
        .slice(1, -1)
        .split("|")
        .map((cell) => parseSpans(cell.trim())),
    );
  return [{ type: "table", rows }, end];
}

// --- spans ---

const MAX_DEPTH = 4;
/** A longer paragraph is shown as it is: looking for its spans could take a time that grows with its square. */
const MAX_SPANNED = 8_000;
const INLINE =
  /(?<ticks>`+)(?<code>[^`]+)\k<ticks>(?!`)|\*\*(?<strong>[^\n*]+(?:\*(?!\*)[^\n*]+)*)\*\*|(?<![\w*])\*(?<star>[^\s*][^\n*]*)\*(?![\w*])|(?<!\w)_(?<under>[^\s_][^\n_]*)_(?!\w)|!?\[(?<label>[^\n[\]]*)\]\((?<url>[^\s()]+)\)|\\(?<escaped>[!-/:-@[-`{-~])/gu;

export function parseSpans(text: string, depth = 0): Span[] {
  if (depth >= MAX_DEPTH || text.length > MAX_SPANNED) return text ? [{ type: "text", text }] : [];
  const spans: Span[] = [];
  let at = 0;
  for (const found of text.matchAll(INLINE)) {
    addText(spans, text.slice(at, found.index));
    addSpan(spans, found.groups ?? {}, found[0], depth);
    at = found.index + found[0].length;
  }
  addText(spans, text.slice(at));
  return spans;
}

function addText(spans: Span[], text: string): void {
  const last = spans.at(-1);
  if (!text) return;
  if (last?.type === "text") spans[spans.length - 1] = { type: "text", text: last.text + text };
  else spans.push({ type: "text", text });
}

function addSpan(spans: Span[], groups: Record<string, string | undefined>, whole: string, depth: number): void {
  const inner = groups.star ?? groups.under;
  if (groups.code !== undefined) spans.push({ type: "code", text: groups.code.trim() || groups.code });
  else if (groups.strong) spans.push({ type: "strong", spans: parseSpans(groups.strong, depth + 1) });
  else if (inner) spans.push({ type: "emphasis", spans: parseSpans(inner, depth + 1) });
  else if (groups.escaped) addText(spans, groups.escaped);
  else if (groups.url && isSafeUrl(groups.url)) {
    const label = parseSpans(groups.label === "" ? groups.url : (groups.label ?? groups.url), depth + 1);
    spans.push({ type: "link", url: groups.url, spans: label });
  } else addText(spans, whole);
}

/** Only what a browser opens, and only in full: nothing that runs, and nothing of this machine's. */
export function isSafeUrl(url: string): boolean {
  return /^https?:\/\/[^\s/]/i.test(url) || /^mailto:[^\s]/i.test(url);
}
