/**
 * What the live view and the extension tell each other. Used on both sides; knows neither VS Code nor the DOM.
 *
 * The view names what it means by ids that the extension has given it. It never sends a URI or a command to run, so
 * that nothing shown in it can make the extension open or do anything else than what its buttons say.
 */
import type { Change, Turn } from "../turn";

export interface TurnChoice {
  readonly turn: string;
  readonly label: string;
}

export interface OpenQuestion {
  readonly id: number;
  readonly question: string;
  readonly choices: readonly string[];
}

export interface Offers {
  readonly canCancel: boolean;
  readonly canReview: boolean;
  readonly canUndo: boolean;
  readonly canAnswerPermission: boolean;
  /** Sessions that cannot be gone on in: what is sent begins another one. */
  readonly lost: readonly string[];
  /** Why nothing can be sent; empty when it can. */
  readonly problem: string;
}

export type ToView =
  | { readonly type: "turns"; readonly turns: readonly TurnChoice[]; readonly chosen: string }
  /** `isNews`: it was not shown before, also not in a page that is gone. */
  | { readonly type: "turn"; readonly turn: Turn | null; readonly isNews: boolean }
  | { readonly type: "changes"; readonly turn: string; readonly changes: readonly Change[] }
  | { readonly type: "questions"; readonly questions: readonly OpenQuestion[] }
  | { readonly type: "offers"; readonly offers: Offers }
  /** What was typed could not be sent: there it is again. */
  | { readonly type: "draft"; readonly text: string }
  | { readonly type: "focus" };

export const ACTIONS = ["review", "acceptAll", "rejectAll", "undo", "cancel"] as const;
export type Action = (typeof ACTIONS)[number];

export type FromView =
  | { readonly type: "ready" }
  | { readonly type: "choose"; readonly turn: string }
  | { readonly type: "act"; readonly action: Action; readonly turn: string }
  | { readonly type: "openPlace"; readonly turn: string; readonly item: number; readonly place: number }
  | { readonly type: "openFile"; readonly turn: string; readonly file: number }
  | { readonly type: "prompt"; readonly text: string; readonly turn: string }
  | { readonly type: "answer"; readonly question: number; readonly answer: string | null }
  | {
      readonly type: "permit";
      readonly turn: string;
      readonly item: number;
      readonly option: string;
      readonly reason: string;
    };

/** A message of the view's as one of the above; undefined for anything else. */
export function readFromView(message: unknown): FromView | undefined {
  if (typeof message !== "object" || message === null) return undefined;
  const given = message as Record<string, unknown>;
  return isFromView(given) ? given : undefined;
}

function isFromView(given: Record<string, unknown>): given is FromView & Record<string, unknown> {
  const has = (type: "string" | "number", ...keys: string[]): boolean =>
    keys.every((key) => typeof given[key] === type);
  switch (given.type) {
    case "ready":
      return true;
    case "choose":
      return has("string", "turn");
    case "act":
      return has("string", "turn") && ACTIONS.some((action) => action === given.action);
    case "openPlace":
      return has("string", "turn") && has("number", "item", "place");
    case "openFile":
      return has("string", "turn") && has("number", "file");
    case "prompt":
      return has("string", "text", "turn");
    case "answer":
      return has("number", "question") && (has("string", "answer") || given.answer === null);
    case "permit":
      return has("string", "turn", "option", "reason") && has("number", "item");
    default:
      return false;
  }
}
