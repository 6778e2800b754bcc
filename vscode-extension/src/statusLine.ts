/** What the one status bar item says, from what is known. Pure: `views/statusBar.ts` shows it. */
import type { Head } from "./turn";
import { counted, factsOf, shortened, stateOf, titleOf } from "./words";

export interface Situation {
  readonly server: "starting" | "running" | "failed" | "stopped";
  readonly running: readonly Head[];
  /** Questions and permissions that wait for an answer. */
  readonly questions: readonly string[];
  readonly pending: number;
  readonly model: string;
  readonly mode: string;
  readonly problem: string;
  /** Of today and this session, in the server's words. */
  readonly spending: string;
}

export interface StatusLine {
  readonly icon: string;
  readonly text: string;
  /** The same for a screen reader: which state it is, and what it is about. */
  readonly label: string;
  /** Lines of plain text; the first is a heading. */
  readonly tooltip: readonly string[];
  readonly emphasis: "none" | "warning" | "error";
}

type Shown = Pick<StatusLine, "icon" | "text" | "emphasis"> & { readonly state: string };

const LENGTH = 40;

export function statusLine(now: Situation): StatusLine {
  const { state, ...shown } = shownOf(now);
  const label = `Copydesk: ${state.replace(/\.$/, "")}`;
  return { ...shown, label: now.model ? `${label}. Model: ${now.model}` : label, tooltip: tooltip(now) };
}

function shownOf(now: Situation): Shown {
  switch (now.server) {
    case "failed":
      return { icon: "error", text: "Copydesk", state: "not running", emphasis: "error" };
    case "stopped":
      return { icon: "circle-slash", text: "Copydesk", state: "stopped", emphasis: "none" };
    case "starting":
      return { icon: "loading~spin", text: "Copydesk", state: "starting", emphasis: "none" };
    case "running":
      return work(now) ?? { icon: "comment-discussion", text: "Copydesk", state: "idle", emphasis: "none" };
  }
}

function work({ questions, running, pending, problem }: Situation): Shown | undefined {
  const newest = running.at(-1);
  if (questions.length) {
    const asks = questions.length === 1 ? "a question" : `${questions.length} questions`;
    return { icon: "bell-dot", text: `Copydesk: ${asks}`, state: `waiting for you, ${asks}`, emphasis: "warning" };
  }
  if (newest) {
    const step = stateOf(newest).replace(/^Step (\d+) of \d+/, "step $1");
    const text = running.length > 1 ? `${running.length} turns, ${step}` : step;
    const state = `running, ${text}`;
    return { icon: "loading~spin", text: shortened(`Copydesk: ${text}`, LENGTH), state, emphasis: "none" };
  }
  if (pending) {
    const hunks = `${counted(pending, "hunk")} to review`;
    return { icon: "diff", text: `Copydesk: ${hunks}`, state: `waiting for you, ${hunks}`, emphasis: "warning" };
  }
  if (problem) return { icon: "warning", text: "Copydesk: no model", state: problem, emphasis: "warning" };
  return undefined;
}

function tooltip(now: Situation): string[] {
  const lines = ["Copydesk"];
  if (now.server === "failed") lines.push("The server does not run. A click offers the log and a restart.");
  lines.push(...now.questions.map((question) => `Waits for your answer: ${shortened(question, 100)}`));
  lines.push(...now.running.map((head) => `${titleOf(head.title)}: ${stateOf(head)}`));
  if (now.pending)
    lines.push(`${counted(now.pending, "hunk")} ${now.pending === 1 ? "waits" : "wait"} for your review`);
  if (now.problem) lines.push(now.problem);
  if (now.model) lines.push(`Model: ${now.model}`);
  if (now.mode) lines.push(`Mode: ${now.mode}`);
  const newest = now.running.at(-1);
  const used = newest ? factsOf({ ...newest, model: "", mode: "" }).join(", ") : "";
  if (used) lines.push(`Used: ${used}`);
  if (now.spending) lines.push(`Spent: ${now.spending}`);
  return lines;
}
