/** The one argument of a command, from what VS Code hands over and what the person has in front of them. */

export type Argument = Record<string, unknown>;

/** The wire's shape of a place. */
export interface Place {
  readonly uri: string;
  readonly range: { readonly start: Position; readonly end: Position };
}
interface Position {
  readonly line: number;
  readonly character: number;
}

const TURNS = new Set(
  ["prompt", "ask", "explain", "fix", "document", "test", "refactor"].map((verb) => `copydesk.${verb}`),
);

/** The box that asks for a command's text. */
export const TEXT_BOXES: Readonly<Record<string, { title: string; placeHolder: string }>> = {
  "copydesk.ask": { title: "Ask", placeHolder: "What do you want to know about this code?" },
  "copydesk.prompt": { title: "Prompt", placeHolder: "What should be done?" },
  "copydesk.refactor": { title: "Refactor", placeHolder: "How should this code change?" },
};

/**
 * The argument given, if any. A menu gives the file's URI instead, and what it selected: that is none. A bare string
 * (from a keybinding) is passed on as it is.
 */
export function given(args: readonly unknown[]): Argument | string | undefined {
  const first = args[0];
  if (typeof first === "string") return first;
  if (typeof first !== "object" || first === null || Array.isArray(first)) return undefined;
  if ("scheme" in first && "fsPath" in first) return undefined;
  return first as Argument;
}

/** With the place added, for a command that works on one and was given none. */
export function placed(
  command: string,
  argument: Argument | undefined,
  place: Place | undefined,
): Argument | undefined {
  if (!TURNS.has(command) || place === undefined || argument?.uri !== undefined) return argument;
  return { ...place, ...argument };
}

export function lacksText(command: string, argument: Argument | undefined): boolean {
  return command in TEXT_BOXES && !isText(argument?.text) && !isText(argument?.instruction);
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value.trim() !== "";
}
