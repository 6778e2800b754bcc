import assert from "node:assert/strict";
import { test } from "node:test";
import { type Block, isSafeUrl, parseBlocks, parseSpans, type Span } from "../src/markdown";

const blocks = (text: string): Block[] => parseBlocks(text).map(({ block }) => block);
const plain = (spans: readonly Span[]): string =>
  spans.map((span) => ("text" in span ? span.text : plain(span.spans))).join("");

test("blocks of each kind, in order", () => {
  const text =
    "# Title\n\nSome words\nthat go on.\n\n- one\n  - two\n1. three\n\n> said\n\n```py\nx = 1\n```\n---\n| a | b |\n|---|---|\n| 1 | 2 |";
  assert.deepEqual(
    blocks(text).map((block) => block.type),
    ["heading", "paragraph", "list", "quote", "code", "rule", "table"],
  );
});

test("a fence is code to its end, also while that has not come", () => {
  const [open] = blocks("```ts\nconst a = `1`;\n# no heading");
  assert.deepEqual(open, { type: "code", language: "ts", text: "const a = `1`;\n# no heading" });
  const [outer, after] = blocks("````\n```\ninner\n```\n````\nafter");
  assert.ok(outer?.type === "code" && outer.text === "```\ninner\n```");
  assert.equal(after?.type, "paragraph");
});

test("a list has depths and markers, and goes on over lines that are indented", () => {
  const [list] = blocks("- a\n  and more\n  1. b");
  assert.ok(list?.type === "list");
  assert.deepEqual(
    list.items.map((item) => [item.depth, item.marker, plain(item.spans)]),
    [
      [0, "•", "a\nand more"],
      [1, "1.", "b"],
    ],
  );
});

test("while a text grows, only its last two blocks change", () => {
  const text =
    "# T\n\npara *one*\nmore\n- a\n- b\n12. c\n\n| x |\n| y |\n```\ncode\n\ncode\n```\n> q\nend **bold** `c`";
  let before = parseBlocks("");
  for (let n = 1; n <= text.length; n++) {
    const now = parseBlocks(text.slice(0, n));
    const kept = before.slice(0, -2).map((each) => each.start);
    assert.deepEqual(
      now.slice(0, kept.length).map((each) => each.start),
      kept,
    );
    assert.deepEqual(
      now.slice(0, kept.length).map((each) => each.block),
      before.slice(0, -2).map((each) => each.block),
    );
    before = now;
  }
});

test("spans", () => {
  const spans = parseSpans("a **b `c`** _d_ `` e`f `` snake_case_name 2*3*4 \\*x\\*");
  assert.deepEqual(
    spans.map((span) => span.type),
    ["text", "strong", "text", "emphasis", "text", "code", "text"].slice(0, spans.length),
  );
  assert.ok(plain(spans).endsWith("snake_case_name 2*3*4 *x*"));
});

test("HTML stays text", () => {
  const [block] = blocks("<img src=x onerror=alert(1)> <script>x</script>");
  assert.ok(block?.type === "paragraph");
  assert.deepEqual(block.spans, [{ type: "text", text: "<img src=x onerror=alert(1)> <script>x</script>" }]);
});

test("only full web addresses are links", () => {
  for (const url of ["https://a.example/x", "http://a", "mailto:me@a"]) assert.ok(isSafeUrl(url), url);
  for (const url of [
    "javascript:alert(1)",
    "command:copydesk.undo",
    "file:///etc/passwd",
    "vscode://x",
    "//a.example",
    "https:",
    "data:text/html,x",
  ]) {
    assert.ok(!isSafeUrl(url), url);
    assert.equal(plain(parseSpans(`[click](${url})`)), `[click](${url})`);
  }
});

test("text built to be slow is not", () => {
  const started = performance.now();
  for (const hostile of [
    "`".repeat(100_000),
    "*".repeat(100_000),
    "[".repeat(100_000),
    "**a*".repeat(20_000),
    "_a ".repeat(30_000),
    "- ".repeat(50_000),
    "` *".repeat(2600),
  ]) {
    parseBlocks(hostile);
  }
  assert.ok(performance.now() - started < 2_000);
});
