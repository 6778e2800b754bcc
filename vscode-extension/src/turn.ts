/** What is known of one turn, as plain data. `turns.ts` makes it, the views show it. */

export interface Place {
  readonly path: string;
  readonly uri: string;
  readonly line?: number;
}

export interface PermissionOption {
  readonly id: string;
  readonly name: string;
}

export type CallStatus = "pending" | "in_progress" | "completed" | "failed";
export type Level = "info" | "warning" | "error";

/** What a turn consists of, in the order it came. `id` counts up within the turn. */
export type Item = { readonly id: number } & (
  | { readonly type: "text" | "thought" | "user"; readonly text: string; readonly isCut: boolean }
  | { readonly type: "notice"; readonly level: Level; readonly text: string }
  | {
      readonly type: "tool";
      readonly call: string;
      readonly title: string;
      readonly kind: string;
      readonly status: CallStatus;
      readonly places: readonly Place[];
      readonly output: string;
    }
  | {
      readonly type: "permission";
      readonly request: string;
      readonly title: string;
      /** What a dialog says, and everything there is to say: the server's words. */
      readonly text: string;
      readonly whole: string;
      readonly state: "asked" | "allowed" | "rejected" | "cancelled";
      readonly reason: string;
      readonly options: readonly PermissionOption[];
    }
);

export type TextItem = Extract<Item, { isCut: boolean }>;
export type ToolItem = Extract<Item, { type: "tool" }>;
export type PermissionItem = Extract<Item, { type: "permission" }>;

export interface PlanEntry {
  readonly content: string;
  readonly status: string;
}

export interface Evidence {
  readonly title: string;
  readonly state: string;
  readonly detail: string;
}

export interface FileReview {
  readonly uri: string;
  readonly state: string;
  readonly hunks: number;
  readonly note: string;
}

export interface PendingFile {
  readonly uri: string;
  readonly path: string;
  readonly hunks: number;
}

/** All of a turn that is not an item: what its heading, its review and its end say. */
export interface Head {
  readonly session: string;
  readonly turn: string;
  readonly verb: string;
  readonly title: string;
  readonly model: string;
  readonly mode: string;
  readonly step: number;
  readonly maxSteps: number;
  readonly doing: string;
  readonly isRunning: boolean;
  readonly stopReason: string;
  readonly error: string;
  readonly tokens: number;
  readonly cost: string;
  /** The part of the input that the provider's cache served, 0 to 1. */
  readonly cachedShare: number;
  readonly plan: readonly PlanEntry[];
  readonly evidence: readonly Evidence[];
  readonly reviewState: string;
  readonly files: readonly FileReview[];
  readonly pending: readonly PendingFile[];
  /** Items that were let go because there were too many. */
  readonly nDropped: number;
}

export interface Turn {
  readonly head: Head;
  readonly items: readonly Item[];
}

/** What an update has changed: enough for a view to change the same, and no more. */
export type Change =
  | { readonly type: "head"; readonly head: Head }
  | { readonly type: "item"; readonly item: Item }
  | { readonly type: "append"; readonly id: number; readonly text: string };
