/**
 * What is said of turns in the status bar, the live view and messages: one wording for all of them.
 *
 * Knows neither VS Code nor a DOM; plain text comes out, never Markdown.
 */
import type { Head, PendingFile } from "./turn";

const ENDS: Readonly<Record<string, string>> = {
  end_turn: "Done",
  max_tokens: "Stopped: the model's answer reached its longest",
  max_steps: "Stopped: the limit of steps was reached",
  refusal: "The model refused",
  cancelled: "Cancelled",
  error: "Failed",
};

const REVIEWS: Readonly<Record<string, string>> = {
  pending: "Waits for your decision",
  applied: "Applied, not saved",
  partial: "Applied in part",
  deferred: "Your editor decides later",
  unconfirmed: "Sent, but not seen in the text",
  refused: "Refused",
  draft: "Kept as a draft, not offered",
  discarded: "Discarded",
};

export const MODES: readonly { readonly mode: string; readonly label: string; readonly detail: string }[] = [
  { mode: "plan", label: "Plan", detail: "Reads and answers. Proposes no edits." },
  { mode: "ask", label: "Ask", detail: "Proposes edits, which wait until you accept or reject them." },
  { mode: "acceptEdits", label: "Accept edits", detail: "Edits are applied at once. Undo takes them back." },
  {
    mode: "auto",
    label: "Auto",
    detail: "Edits are applied, and commands run unasked in a sandbox. Dangerous ones ask.",
  },
];

/** What a turn is about, without the name of who does it. */
export function titleOf(title: string): string {
  return title.replace(/^Copydesk:\s*/, "") || "Copydesk";
}

/** What the turn does now, or how it ended. */
export function stateOf(head: Head): string {
  if (!head.isRunning) {
    const end = ENDS[head.stopReason] ?? "Ended";
    return head.error ? `${end}: ${head.error}` : end;
  }
  const step = head.step ? `Step ${head.step}${head.maxSteps ? ` of ${head.maxSteps}` : ""}` : "Starting";
  return head.doing ? `${step}: ${head.doing}` : step;
}

/** Model, mode, tokens and cost, as far as they are known. */
export function factsOf(head: Head): string[] {
  const cached = head.cachedShare
    ? ` (${Math.min(100, Math.max(1, Math.round(100 * head.cachedShare)))} % from cache)`
    : "";
  const tokens = head.tokens ? `${head.tokens.toLocaleString("en")} tokens${cached}` : "";
  return [head.model, head.mode, tokens, head.cost].filter(Boolean);
}

export function reviewOf(state: string): string {
  return REVIEWS[state] ?? "";
}

export function counted(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

/** "3 hunks in a.py, b.py wait for you" */
export function waitingOf(pending: readonly PendingFile[]): string {
  const n = pending.reduce((sum, file) => sum + file.hunks, 0);
  const names = [...new Set(pending.map((file) => file.path))];
  const more = names.length > 3 ? ` and ${names.length - 3} more` : "";
  return `${counted(n, "hunk")} in ${names.slice(0, 3).join(", ")}${more} ${n === 1 ? "waits" : "wait"} for you`;
}

/** A path as a short label: its last part, and the line as people count. */
export function placeLabel(path: string, line?: number): string {
  const name = path.split(/[\\/]/).findLast((part) => part !== "") ?? path;
  return line === undefined ? name : `${name}:${line + 1}`;
}

/** A URI as a short label; as it is where it is no proper one. */
export function uriLabel(uri: string): string {
  try {
    return placeLabel(decodeURIComponent(uri));
  } catch {
    return placeLabel(uri);
  }
}

export function shortened(text: string, length: number): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length <= length ? line : `${line.slice(0, length - 1).trimEnd()}…`;
}
