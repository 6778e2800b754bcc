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
}

export interface StatusLine {
  readonly icon: string;
  readonly text: string;
  /** Lines of plain text; the first is a heading. */
  readonly tooltip: readonly string[];
  readonly emphasis: "none" | "warning" | "error";
}

const LENGTH = 40;

export function statusLine(now: Situation): StatusLine {
  return { ...shown(now), tooltip: tooltip(now) };
}

function shown(now: Situation): Omit<StatusLine, "tooltip"> {
  if (now.server === "failed") return { icon: "error", text: "Copydesk: not running", emphasis: "error" };
  if (now.server === "stopped") return { icon: "circle-slash", text: "Copydesk: stopped", emphasis: "none" };
  if (now.server === "starting") return { icon: "loading~spin", text: "Copydesk: starting", emphasis: "none" };
  if (now.questions.length) {
    const text = now.questions.length === 1 ? "asks you" : `${now.questions.length} questions`;
    return { icon: "bell-dot", text: `Copydesk: ${text}`, emphasis: "warning" };
  }
  const newest = now.running.at(-1);
  if (newest)
    return { icon: "loading~spin", text: shortened(working(newest, now.running.length), LENGTH), emphasis: "none" };
  if (now.pending)
    return {
      icon: "git-pull-request",
      text: `Copydesk: ${counted(now.pending, "hunk")} to review`,
      emphasis: "warning",
    };
  if (now.problem) return { icon: "warning", text: "Copydesk: no model", emphasis: "warning" };
  return { icon: "comment-discussion", text: "Copydesk", emphasis: "none" };
}

function working(head: Head, n: number): string {
  const state = stateOf(head).replace(/^Step (\d+) of \d+/, "step $1");
  return n > 1 ? `Copydesk: ${n} turns, ${state}` : `Copydesk: ${state}`;
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
  return lines;
}
