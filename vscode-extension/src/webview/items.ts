/** The items of a turn in the DOM: texts that grow, tool calls that change. Start with `Items`. */
import type { Item, PermissionItem, TextItem, ToolItem } from "../turn";
import { placeLabel } from "../words";
import { button, element } from "./dom";
import type { FromView } from "./messages";
import { Prose } from "./prose";

const STATUS: Readonly<Record<string, readonly [string, string]>> = {
  pending: ["○", "waits"],
  in_progress: ["◔", "runs"],
  completed: ["✓", "done"],
  failed: ["✗", "failed"],
};

const REASON = "Why not (sent with a denial)";

interface Shown {
  node: HTMLElement;
  text?: { append(added: string): void };
}

export class Items {
  private readonly shown = new Map<number, Shown>();
  private turn = "";

  constructor(
    private readonly parent: HTMLElement,
    private readonly send: (message: FromView) => void,
    private readonly says: (prose: Prose) => void,
  ) {}

  canAnswerPermission = false;

  clear(turn: string): void {
    this.turn = turn;
    this.shown.clear();
    this.parent.replaceChildren();
  }

  set(item: Item): void {
    const made = this.make(item);
    const old = this.shown.get(item.id);
    // What a person has unfolded stays so.
    if (old?.node.querySelector("details")?.open) made.node.querySelector("details")?.setAttribute("open", "");
    const hadFocus = old?.node.contains(document.activeElement);
    if (old) old.node.replaceWith(made.node);
    else this.parent.append(made.node);
    if (hadFocus) made.node.querySelector<HTMLElement>("button, summary")?.focus();
    this.shown.set(item.id, made);
  }

  append(id: number, added: string): void {
    this.shown.get(id)?.text?.append(added);
  }

  private make(item: Item): Shown {
    switch (item.type) {
      case "text":
        return this.prose(item);
      case "thought":
        return thought(item);
      case "user":
        return { node: element("div", { class: "said" }, element("span", { class: "hidden" }, "You: "), item.text) };
      case "notice":
        return { node: element("div", { class: `notice ${item.level}` }, item.text) };
      case "tool":
        return { node: this.tool(item) };
      case "permission":
        return { node: this.permission(item) };
    }
  }

  private prose(item: TextItem): Shown {
    const prose = new Prose();
    prose.append(item.text);
    this.says(prose);
    const node = element(
      "div",
      {},
      prose.node,
      item.isCut && element("p", { class: "quiet" }, "The rest is too long to be shown here."),
    );
    return { node, text: prose };
  }

  private tool(item: ToolItem): HTMLElement {
    const [mark, words] = STATUS[item.status] ?? ["○", item.status];
    const title = this.toolTitle(item);
    const line = element(
      "div",
      { class: "line" },
      element("span", { class: "mark", attributes: { "aria-hidden": "true" } }, mark),
      element("span", { class: "title" }, ...title),
      element("span", { class: "hidden" }, `, ${words}`),
    );
    const isRunning = item.status === "in_progress"; // then it is the newest lines, which people want to see
    const output =
      item.output &&
      element(
        "details",
        isRunning ? { attributes: { open: "" } } : {},
        element("summary", {}, isRunning ? "So far" : "Result"),
        element("pre", { attributes: { tabindex: "0", "aria-label": "Result" } }, item.output),
      );
    return element("div", { class: `tool ${item.status}` }, line, output || null);
  }

  /** One place: the title itself opens it. Several: a button for each. */
  private toolTitle(item: ToolItem): Node[] {
    const open = (place: number) => () => this.send({ type: "openPlace", turn: this.turn, item: item.id, place });
    const [only, ...others] = item.places;
    if (only && !others.length) {
      return [button(item.title, open(0), "link", { title: `Open ${placeLabel(only.path, only.line)}` })];
    }
    const places = item.places.map((place, n) => button(placeLabel(place.path, place.line), open(n), "link place"));
    return [document.createTextNode(item.title), ...places];
  }

  /** What was allowed shows in its call; only what waits for the person, or was refused, is said here. */
  private permission(item: PermissionItem): HTMLElement {
    if (item.state === "rejected") {
      const reason = item.reason ? [element("p", { class: "quiet" }, item.reason)] : [];
      return element("div", { class: "notice warning" }, `Not allowed: ${item.title}`, ...reason);
    }
    if (item.state !== "asked" || !this.canAnswerPermission) return element("div", { attributes: { hidden: "" } });
    const why = element("input", { attributes: { type: "text", "aria-label": REASON, placeholder: REASON } });
    const permit = (option: string) => () =>
      this.send({ type: "permit", turn: this.turn, item: item.id, option, reason: why.value.trim() });
    return element(
      "section",
      { class: "question", attributes: { "aria-label": "Copydesk asks for a permission" } },
      element("pre", { attributes: { tabindex: "0" } }, item.whole.trim()),
      element("div", { class: "buttons" }, ...item.options.map(({ id, name }) => button(name, permit(id)))),
      why,
    );
  }
}

function thought(item: TextItem): Shown {
  const text = document.createTextNode(item.text);
  const node = element(
    "details",
    { class: "thought" },
    element("summary", {}, "Thoughts"),
    element("div", { class: "plain" }, text),
  );
  return { node, text: { append: (added) => text.appendData(added) } };
}
