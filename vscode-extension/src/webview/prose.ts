/**
 * A growing Markdown text in the DOM. Only its last two blocks are ever made anew: a long answer that streams in costs
 * what its end costs.
 */
import { type Block, type ListItem, parseBlocks, type Span } from "../markdown";
import { element } from "./dom";

export class Prose {
  readonly node = element("div", { class: "prose" });
  private text = "";
  private blocks: { start: number; node: Node }[] = [];

  append(added: string): void {
    this.text += added;
    const kept = Math.max(0, this.blocks.length - 2);
    const from = this.blocks[kept]?.start ?? 0;
    for (const old of this.blocks.splice(kept)) this.node.removeChild(old.node);
    for (const { block, start } of parseBlocks(this.text.slice(from))) {
      const node = blockNode(block);
      this.node.append(node);
      this.blocks.push({ start: from + start, node });
    }
  }

  /** Up to where the text will not change any more. */
  get settledLength(): number {
    return this.blocks.at(-2)?.start ?? 0;
  }

  get whole(): string {
    return this.text;
  }
}

function blockNode(block: Block): Node {
  switch (block.type) {
    case "paragraph":
      return element("p", {}, ...spanNodes(block.spans));
    case "quote":
      return element("blockquote", {}, ...spanNodes(block.spans));
    case "heading":
      // The turn's title is the page's first heading; an answer's headings stand below it.
      return element(block.level <= 2 ? "h3" : "h4", {}, ...spanNodes(block.spans));
    case "code":
      // Focusable, for a keyboard must be able to scroll what does not fit.
      return element(
        "pre",
        {
          attributes: {
            tabindex: "0",
            role: "group",
            "aria-label": `Code${block.language ? `, ${block.language}` : ""}`,
          },
        },
        element("code", {}, block.text),
      );
    case "list":
      return element("ul", { class: "list" }, ...block.items.map(itemNode));
    case "table":
      return tableNode(block.rows);
    case "rule":
      return element("hr");
  }
}

function itemNode(item: ListItem): Node {
  const node = element("li", { class: `depth${Math.min(item.depth, 3)}` });
  node.append(
    element("span", { class: "marker", attributes: { "aria-hidden": String(item.marker === "•") } }, item.marker),
  );
  node.append(element("span", {}, ...spanNodes(item.spans)));
  return node;
}

function tableNode(rows: readonly (readonly (readonly Span[])[])[]): Node {
  const [head, ...body] = rows;
  const row = (tag: "th" | "td", cells: readonly (readonly Span[])[] = []): Node =>
    element("tr", {}, ...cells.map((cell) => element(tag, {}, ...spanNodes(cell))));
  return element(
    "table",
    {},
    element("thead", {}, row("th", head)),
    element("tbody", {}, ...body.map((each) => row("td", each))),
  );
}

function spanNodes(spans: readonly Span[]): Node[] {
  return spans.map((span) => {
    switch (span.type) {
      case "text":
        return document.createTextNode(span.text);
      case "code":
        return element("code", {}, span.text);
      case "strong":
        return element("strong", {}, ...spanNodes(span.spans));
      case "emphasis":
        return element("em", {}, ...spanNodes(span.spans));
      case "link":
        // The editor asks before it opens a link of a webview. The address is there to be read first.
        return element("a", { attributes: { href: span.url, title: span.url } }, ...spanNodes(span.spans));
    }
  });
}
