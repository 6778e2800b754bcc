/**
 * The live view's own script: shows one turn as the extension tells it, and sends what its buttons mean.
 *
 * Owns no state that must last: the extension tells everything again when the view comes back. Changes are gathered and
 * drawn once a frame. Model text enters the page as text nodes only.
 */
import type { Change, Head, Turn } from "../turn";
import { factsOf, reviewOf, stateOf, titleOf, uriLabel, waitingOf } from "../words";
import { Announcer } from "./announcer";
import { button, byId, element, fill } from "./dom";
import { Items } from "./items";
import type { Action, FromView, Offers, OpenQuestion, ToView, TurnChoice } from "./messages";

declare function acquireVsCodeApi(): {
  postMessage(message: FromView): void;
  getState(): { draft?: string } | undefined;
  setState(state: { draft: string }): void;
};

const vscode = acquireVsCodeApi();
const send = (message: FromView): void => vscode.postMessage(message);

const announcer = new Announcer(byId("announcer", "div"));
const items = new Items(byId("items", "main"), send, (prose) => announcer.follow(prose, isLive));
const scroller = byId("scroller", "div");
const draft = byId("draft", "textarea");

let head: Head | null = null;
let offers: Offers = {
  canCancel: false,
  canReview: false,
  canUndo: false,
  canAnswerPermission: false,
  lost: [],
  problem: "",
};
let questions: readonly OpenQuestion[] = [];
let waiting: ToView[] = [];
let isLive = false;

window.addEventListener("message", ({ data }: MessageEvent<ToView>) => {
  waiting.push(data);
  if (waiting.length === 1) requestAnimationFrame(drawFrame);
});

function drawFrame(): void {
  const messages = waiting;
  waiting = [];
  const isAtEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 40;
  for (const message of messages) take(message);
  drawHead();
  announcer.advance();
  if (isAtEnd) scroller.scrollTop = scroller.scrollHeight;
}

function take(message: ToView): void {
  switch (message.type) {
    case "turns":
      return drawTurns(message.turns, message.chosen);
    case "turn":
      return showTurn(message.turn, message.isNews);
    case "changes":
      if (message.turn === head?.turn) joined(message.changes).forEach(change);
      return;
    case "questions":
      questions = message.questions;
      return;
    case "offers":
      offers = message.offers;
      items.canAnswerPermission = offers.canAnswerPermission;
      return;
    case "draft":
      draft.value = [message.text, draft.value].filter(Boolean).join("\n");
      vscode.setState({ draft: draft.value });
      return;
    case "focus":
      return draft.focus();
  }
}

/** Pieces of one text as one piece: a frame may bring hundreds. */
function joined(changes: readonly Change[]): Change[] {
  const result: Change[] = [];
  for (const each of changes) {
    const last = result.at(-1);
    if (each.type === "append" && last?.type === "append" && last.id === each.id) {
      result[result.length - 1] = { ...last, text: last.text + each.text };
    } else result.push(each);
  }
  return result;
}

function showTurn(turn: Turn | null, isNews: boolean): void {
  isLive = isNews;
  head = turn?.head ?? null;
  items.clear(head?.turn ?? "");
  for (const item of turn?.items ?? []) items.set(item);
  isLive = true;
  if (isNews && head?.isRunning === false) announceEnd(head);
}

function change(each: Change): void {
  if (each.type === "append") return items.append(each.id, each.text);
  if (each.type === "item") {
    items.set(each.item);
    if (each.item.type === "tool" && each.item.status === "pending") announcer.say(each.item.title);
    return;
  }
  const ended = head?.isRunning && !each.head.isRunning;
  head = each.head;
  if (ended) announceEnd(head);
}

function announceEnd(ended: Head): void {
  announcer.finish();
  announcer.say([stateOf(ended), ended.pending.length ? waitingOf(ended.pending) : ""].filter(Boolean).join(". "));
}

// --- what stands around the items ---

function drawTurns(turns: readonly TurnChoice[], chosen: string): void {
  const select = byId("turns", "select");
  fill(select, JSON.stringify(turns), () =>
    turns.map(({ turn, label }) => element("option", { attributes: { value: turn } }, label)),
  );
  select.value = chosen;
  byId("picker", "div").hidden = turns.length < 2;
}

function drawHead(): void {
  const now = head;
  document.body.classList.toggle("running", Boolean(now?.isRunning));
  byId("empty", "p").hidden = now !== null;
  byId("about", "header").hidden = now === null;
  byId("title", "h1").textContent = now ? titleOf(now.title) : "";
  byId("state", "p").textContent = now ? stateOf(now) : "";
  byId("state", "p").className = now && ["error", "refusal"].includes(now.stopReason) ? "bad" : "";
  byId("facts", "p").textContent = now ? factsOf(now).join(" · ") : "";
  byId("dropped", "p").hidden = !now?.nDropped;
  byId("cancel", "button").hidden = !(now?.isRunning && offers.canCancel);
  drawLists(now);
  drawReview(now);
  drawQuestions();
  drawPrompt(now);
}

function drawLists(now: Head | null): void {
  fill(byId("plan", "section"), JSON.stringify(now?.plan ?? []), () => {
    const marks: Record<string, string> = { completed: "✓", in_progress: "◔" };
    const entries = (now?.plan ?? []).map((entry) =>
      element(
        "li",
        { class: entry.status },
        element("span", { class: "mark", attributes: { "aria-hidden": "true" } }, marks[entry.status] ?? "○"),
        entry.content,
      ),
    );
    return entries.length ? [element("h2", {}, "Plan"), element("ul", { class: "bare" }, ...entries)] : [];
  });
  fill(byId("evidence", "section"), JSON.stringify(now?.evidence ?? []), () => {
    const marks: Record<string, string> = { passed: "✓", known_failures: "✓", new_failures: "✗", running: "◔" };
    const classes: Record<string, string> = {
      passed: "completed",
      known_failures: "completed",
      new_failures: "failed",
    };
    const entries = (now?.evidence ?? []).map((each) =>
      element(
        "li",
        { class: classes[each.state] ?? "" },
        element("span", { class: "mark", attributes: { "aria-hidden": "true" } }, marks[each.state] ?? "·"),
        each.title,
        each.detail ? element("pre", { attributes: { tabindex: "0" } }, each.detail) : null,
      ),
    );
    return entries.length ? [element("h2", {}, "Evidence"), element("ul", { class: "bare" }, ...entries)] : [];
  });
}

function drawReview(now: Head | null): void {
  const key = now && { ...now, doing: "", step: 0, tokens: 0, cost: "", plan: [], evidence: [] };
  fill(byId("review", "section"), JSON.stringify([key, offers]), () => (now ? reviewNodes(now) : []));
}

function reviewNodes(now: Head): Node[] {
  const act = (action: Action) => (): void => send({ type: "act", action, turn: now.turn });
  const nodes: Node[] = [];
  if (now.pending.length) {
    nodes.push(element("p", {}, `${waitingOf(now.pending)}.`));
    if (offers.canReview) {
      const buttons = [
        button("Review", act("review"), "primary"),
        button("Accept all", act("acceptAll")),
        button("Reject all", act("rejectAll")),
      ];
      nodes.push(element("div", { class: "buttons" }, ...buttons));
    }
  }
  const settled = now.files
    .map((file, n) => ({ file, n }))
    .filter(({ file }) => file.state !== "pending" && reviewOf(file.state));
  const list = settled.map(({ file, n }) =>
    element(
      "li",
      {},
      button(uriLabel(file.uri), () => send({ type: "openFile", turn: now.turn, file: n }), "link"),
      ` ${reviewOf(file.state).toLowerCase()}${file.note ? `: ${file.note}` : ""}`,
    ),
  );
  if (list.length) nodes.push(element("ul", { class: "bare" }, ...list));
  const landed = now.files.some((file) => ["applied", "partial", "unconfirmed"].includes(file.state));
  if (landed && !now.isRunning && offers.canUndo)
    nodes.push(element("div", { class: "buttons" }, button("Undo this turn", act("undo"))));
  return nodes.length ? [element("h2", {}, "Edits"), ...nodes] : [];
}

function drawQuestions(): void {
  fill(byId("questions", "div"), JSON.stringify(questions), () => questions.map(questionNode));
}

function questionNode({ id, question, choices }: OpenQuestion): Node {
  const answer = (given: string | null) => (): void => send({ type: "answer", question: id, answer: given });
  const node = element(
    "section",
    { class: "question", attributes: { "aria-label": "Copydesk asks you" } },
    element("p", {}, question),
  );
  if (!choices.length) {
    const input = element("input", { attributes: { type: "text", "aria-label": "Your answer" } });
    const give = (): void => (input.value.trim() ? answer(input.value.trim())() : undefined);
    input.addEventListener("keydown", (event) => (event.key === "Enter" && !event.isComposing ? give() : undefined));
    node.append(
      input,
      element("div", { class: "buttons" }, button("Answer", give, "primary"), button("No answer", answer(null))),
    );
    return node;
  }
  const buttons = choices.map((choice) => button(choice, answer(choice)));
  node.append(element("div", { class: "buttons" }, ...buttons, button("No answer", answer(null), "quiet")));
  return node;
}

function drawPrompt(now: Head | null): void {
  const canGoOn = now !== null && !offers.lost.includes(now.session);
  const goOn = now?.isRunning ? "Add to what runs" : "Go on in this session";
  draft.placeholder = offers.problem || (canGoOn ? goOn : "Ask, or say what to do");
  draft.setAttribute("aria-label", draft.placeholder);
  draft.disabled = Boolean(offers.problem);
  byId("send", "button").disabled = Boolean(offers.problem);
}

// --- what the person does ---

function submit(): void {
  const text = draft.value.trim();
  if (!text) return;
  send({ type: "prompt", text, turn: head?.turn ?? "" });
  draft.value = "";
  vscode.setState({ draft: "" });
}

draft.value = vscode.getState()?.draft ?? "";
draft.addEventListener("input", () => vscode.setState({ draft: draft.value }));
draft.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  submit();
});
byId("send", "button").addEventListener("click", submit);
byId("cancel", "button").addEventListener(
  "click",
  () => head && send({ type: "act", action: "cancel", turn: head.turn }),
);
byId("turns", "select").addEventListener("change", (event) => {
  send({ type: "choose", turn: (event.target as HTMLSelectElement).value });
});
drawHead();
send({ type: "ready" });
